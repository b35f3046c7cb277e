#include "base/log_backups.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <dirent.h>
#include <memory>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

#include "base/go_text.h"

namespace martlet::base {
namespace {

constexpr const char* kTryAgain = ", will attempt next rotation";

// Takes `digits_min` to `digits_max` digits off the front of `text`.
std::optional<int> TakeNumber(std::string_view& text, size_t digits_min, size_t digits_max) {
  size_t digits = 0;
  int number = 0;
  while (digits < digits_max && digits < text.size() && IsDigit(text[digits])) {
    number = number * 10 + (text[digits++] - '0');
  }
  if (digits < digits_min) return std::nullopt;
  text.remove_prefix(digits);
  return number;
}

int DaysIn(int year, int month) {
  constexpr std::array kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return kDays[static_cast<size_t>(month - 1)] + (month == 2 && leap ? 1 : 0);
}

// YYYY.MM.DD.hh.mm.ss.fraction, the fraction of any length.
bool IsStamp(std::string_view text) {
  struct Part {
    size_t digits_min, digits_max;
    int min, max;
  };
  constexpr Part kParts[] = {{4, 4, 0, 9999}, {2, 2, 1, 12}, {2, 2, 1, 31},
                             {1, 2, 0, 23},   {2, 2, 0, 59}, {2, 2, 0, 59}};
  std::array<int, std::size(kParts)> values;
  for (size_t i = 0; i < values.size(); ++i) {
    const std::optional<int> value = TakeNumber(text, kParts[i].digits_min, kParts[i].digits_max);
    if (!value || *value < kParts[i].min || *value > kParts[i].max) return false;
    values[i] = *value;
    const bool last = i + 1 == values.size();
    if (last) break;
    if (!text.starts_with('.')) return false;
    text.remove_prefix(1);
  }
  if (values[2] > DaysIn(values[0], values[1])) return false;
  if (text.empty()) return true;
  return text.size() > 1 && text[0] == '.' && std::all_of(text.begin() + 1, text.end(), IsDigit);
}

// The directory as Go's filepath.Dir names it, and the name in it.
struct Place {
  std::string directory;
  std::string name;

  std::string Join(const std::string& other) const {
    if (directory == ".") return other;
    return directory + (directory.ends_with('/') ? "" : "/") + other;
  }
};

Place PlaceOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == path.npos) return {".", path};
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

bool IsDirectory(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

// Oldest first. Empty, with the reason in `error`, where the directory cannot be read.
std::vector<std::string> BackupsAt(const Place& place, std::string& error) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(place.directory.c_str()),
                                                      &::closedir);
  if (!directory) {
    error = "open " + place.directory + ": " + GoErrno(errno);
    return {};
  }
  std::vector<std::string> names;
  // A directory stream of one thread's own.
  while (const dirent* entry = ::readdir(directory.get())) {  // NOLINT(concurrency-mt-unsafe)
    std::string name = entry->d_name;
    if (IsBackupName(place.name, name) && !IsDirectory(place.Join(name))) {
      names.push_back(std::move(name));
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

std::string BackupName(std::string_view path, const timespec& at) {
  char stamp[48];
  char nanos[32];
  tm parts{};
  ::localtime_r(&at.tv_sec, &parts);
  ::strftime(stamp, sizeof stamp, ".%Y.%m.%d.%H.%M.%S", &parts);
  std::snprintf(nanos, sizeof nanos, ".%09ld", at.tv_nsec);
  return std::string(path) + stamp + nanos;
}

bool IsBackupName(std::string_view log, std::string_view name) {
  return name.size() > log.size() && name.starts_with(log) && name[log.size()] == '.' &&
         IsStamp(name.substr(log.size() + 1));
}

std::vector<LogNotice> PurgeBackups(const std::string& path, int64_t files_max) {
  const Place place = PlaceOf(path);
  std::string error;
  const std::vector<std::string> backups = BackupsAt(place, error);
  if (!error.empty()) {
    return {{LogLevel::kError, "Unable to read directory " + GoQuote(place.directory) +
                                   " for log purge (" + error + ")" + kTryAgain}};
  }
  std::vector<LogNotice> notices;
  const int64_t surplus = static_cast<int64_t>(backups.size()) - (files_max - 1);
  for (int64_t i = 0; i < surplus; ++i) {
    const std::string& name = backups[static_cast<size_t>(i)];
    const std::string full = place.Join(name);
    if (::unlink(full.c_str()) != 0) {
      notices.push_back({LogLevel::kError, "Unable to remove backup log file " + GoQuote(name) +
                                               " (remove " + full + ": " + GoErrno(errno) + ")" +
                                               kTryAgain});
      break;
    }
    notices.push_back({LogLevel::kInfo, "Purged log file " + GoQuote(name)});
  }
  return notices;
}

}  // namespace martlet::base
