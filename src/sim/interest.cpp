#include "sim/interest.h"

#include <algorithm>
#include <string_view>

#include "proto/pool_slot.h"

namespace martlet::sim {
namespace {

std::string LineFor(const std::pair<std::string, std::string>& what, int count,
                    const Carried& carried) {
  std::string line = count > 0 ? "RS+ " : "RS- ";
  if (carried.account.empty()) line += what.first + " ";
  line += what.second;
  if (count > 0) line += " q " + std::to_string(count);
  return line + "\r\n";
}

}  // namespace

bool Carried::Has(const std::string& name) const {
  if (!account.empty()) return name == account;
  if (pool_size == 0) return true;
  if (proto::PoolSlot(name, pool_size) != slot) return false;
  return std::find(without.begin(), without.end(), name) == without.end();
}

std::vector<std::string> InterestOnLink::TellAll(const Interest& local, const Carried& carried) {
  std::vector<std::string> lines;
  for (auto told = told_.begin(); told != told_.end();) {
    if (carried.Has(told->first.first) && local.contains(told->first)) {
      ++told;
      continue;
    }
    lines.push_back(LineFor(told->first, 0, carried));
    told = told_.erase(told);
  }
  for (const auto& [what, count] : local) {
    if (!carried.Has(what.first)) continue;
    told_[what] = count;
    lines.push_back(LineFor(what, count, carried));
  }
  return lines;
}

std::string InterestOnLink::Tell(const std::pair<std::string, std::string>& what, int count,
                                 const Carried& carried) {
  if (!carried.Has(what.first)) return {};
  if (count > 0) {
    told_[what] = count;
  } else if (told_.erase(what) == 0) {
    return {};
  }
  return LineFor(what, count, carried);
}

bool InterestOnLink::Hear(const std::string& line, const Carried& carried) {
  std::string_view rest = line;
  const auto word = [&rest] {
    const std::string_view first = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(rest.size(), first.size() + 1));
    return std::string(first);
  };
  const std::string op = word();
  if (op != "RS+" && op != "RS-") return false;
  const std::string account = carried.account.empty() ? word() : carried.account;
  const std::string subject = word();
  if (op == "RS-") {
    heard_.erase({account, subject});
    return true;
  }
  word();  // the queue
  heard_[{account, subject}] = std::stoi(word());
  return true;
}

void InterestOnLink::Forget(const Carried& carried) {
  std::erase_if(heard_, [&](const auto& one) {
    return std::find(carried.without.begin(), carried.without.end(), one.first.first) !=
           carried.without.end();
  });
}

}  // namespace martlet::sim
