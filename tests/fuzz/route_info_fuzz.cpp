// A strange server's INFO or CONNECT on a route.
//
// Input: the JSON; it is read as both. Held to be true: what is read, written by us and read
// again, is the same.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "input.h"
#include "proto/route_info.h"

namespace martlet::proto {
namespace {

// The line without verb and line end.
std::string_view Argument(std::string_view line) {
  line.remove_prefix(line.find(' ') + 1);
  CHECK(line.ends_with("\r\n"));
  line.remove_suffix(2);
  CHECK(line.find_first_of("\r\n") == line.npos);
  return line;
}

void CheckInfo(std::string_view text) {
  auto info = ReadRouteInfo(text);
  if (!info.ok()) {
    CHECK(!info.status().message().empty());
    return;
  }
  std::string line;
  WriteMembersCheck(info->martlet_members, info->martlet_sum, line);
  const auto check = ReadRouteInfo(Argument(line));
  CHECK(check.ok());
  CHECK(check->martlet_members == std::exchange(info->martlet_members, 0));
  CHECK(check->martlet_sum == std::exchange(info->martlet_sum, {}));
  line.clear();
  WriteRouteInfo(*info, line);
  const auto again = ReadRouteInfo(Argument(line));
  CHECK(again.ok());
  CHECK(*again == *info);
  std::string gossip;
  WriteGossip(*info, gossip);
  auto of_another = *info;
  of_another.martlet_checks = 0;
  line.clear();
  WriteRouteInfo(of_another, line);
  CHECK(std::string(Argument(gossip)) + " " == Argument(line));
}

void CheckInterest(std::string_view text) {
  const InterestCheck check = ReadInterestCheck(text);
  std::string line;
  WriteInterestCheck(check, line);
  const InterestCheck again = ReadInterestCheck(Argument(line));
  CHECK(again.account == check.account && again.replay == check.replay);
  if (!check.account.empty()) CHECK(again == check);
}

void CheckConnect(std::string_view text) {
  auto connect = ReadRouteConnect(text);
  if (!connect.ok()) {
    CHECK(!connect.status().message().empty());
    return;
  }
  connect->lang.clear();  // no server writes it
  std::string line;
  WriteRouteConnect(*connect, line);
  const auto again = ReadRouteConnect(Argument(line));
  CHECK(again.ok());
  CHECK(*again == *connect);
}

}  // namespace
}  // namespace martlet::proto

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = martlet::fuzz::Input(data, size).Rest();
  martlet::proto::CheckInfo(text);
  martlet::proto::CheckConnect(text);
  martlet::proto::CheckInterest(text);
  return 0;
}
