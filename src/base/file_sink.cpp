#include "base/file_sink.h"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <limits>
#include <sys/stat.h>
#include <utility>

#include "base/clock.h"
#include "base/go_text.h"

namespace martlet::base {
namespace {

absl::StatusOr<UniqueFd> OpenFile(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640));
  if (!fd) return absl::UnavailableError("open " + path + ": " + GoErrno(errno));
  return fd;
}

int64_t FileBytes(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 ? info.st_size : 0;
}

}  // namespace

absl::StatusOr<std::unique_ptr<LogSink>> FileSink::Open(const std::string& path) {
  absl::StatusOr<UniqueFd> fd = OpenFile(path);
  if (!fd.ok()) {
    return absl::UnavailableError("error opening file: " + std::string(fd.status().message()));
  }
  return std::unique_ptr<LogSink>(new FileSink(path, *std::move(fd)));
}

FileSink::FileSink(std::string path, UniqueFd fd)
    : StreamSink(fd.get()), path_(std::move(path)), fd_(std::move(fd)) {
  base_bytes_ = FileBytes(fd_.get());
}

int64_t FileSink::size_bytes() const {
  return base_bytes_ + static_cast<int64_t>(written_bytes() + held_bytes());
}

void FileSink::Adopt(const LogOptions& options) {
  StreamSink::Adopt(options);
  files_max_ = options.files_max;
  limit_bytes_ = next_limit_bytes_ = options.size_limit_bytes;
  if (MovedAway()) {
    if (absl::StatusOr<UniqueFd> fd = OpenFile(path_); fd.ok()) Begin(*std::move(fd));
  }
  RotateIfOver();
}

bool FileSink::MovedAway() const {
  struct stat ours {};
  struct stat there {};
  return ::fstat(fd_.get(), &ours) == 0 &&
         (::stat(path_.c_str(), &there) != 0 || ours.st_ino != there.st_ino ||
          ours.st_dev != there.st_dev);
}

void FileSink::Begin(UniqueFd fd) {
  Use(fd.get());
  base_bytes_ = FileBytes(fd.get());
  fd_ = std::move(fd);
}

bool FileSink::Write(const LogLine& line) {
  if (!StreamSink::Write(line)) return false;
  if (next_limit_bytes_ <= 0 || size_bytes() <= next_limit_bytes_ || !regular()) return true;
  // What the disk did not take does not count.
  if (Flush() && size_bytes() > next_limit_bytes_) Rotate();
  return true;
}

// A file can be over the limit as soon as it is opened. The line that says so makes Write() rotate.
void FileSink::RotateIfOver() {
  if (next_limit_bytes_ <= 0 || size_bytes() <= next_limit_bytes_) return;
  (void)Write({WallTime(), LogLevel::kInfo, "Rotating logfile..."});
}

void FileSink::Rotate() {
  const std::string backup = BackupName(path_, WallTime());
  const bool renamed = std::rename(path_.c_str(), backup.c_str()) == 0;
  const bool moved_by_others = !renamed && errno == ENOENT;
  if (!renamed && !moved_by_others) {
    return PutOff("Unable to rename logfile for rotation (" + GoErrno(errno) + ")");
  }
  absl::StatusOr<UniqueFd> fd = OpenFile(path_);
  if (!fd.ok()) {
    if (renamed) (void)std::rename(backup.c_str(), path_.c_str());
    return PutOff("Unable to re-open the logfile " + GoQuote(path_) +
                  " after rotation: " + std::string(fd.status().message()));
  }
  Begin(*std::move(fd));
  base_bytes_ = 0;
  next_limit_bytes_ = limit_bytes_;
  if (moved_by_others) return Say({LogLevel::kInfo, "File log re-opened"});

  Say({LogLevel::kInfo, "Rotated log, backup saved as " + GoQuote(backup)});
  if (files_max_ <= 0) return;
  for (const LogNotice& notice : PurgeBackups(path_, files_max_)) SayAside(notice);
}

void FileSink::PutOff(const std::string& trouble) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  next_limit_bytes_ = next_limit_bytes_ > kMax / 2 ? kMax : next_limit_bytes_ * 2;
  SayAside({LogLevel::kError,
            trouble + ", will attempt next rotation at size " + std::to_string(next_limit_bytes_)});
}

void FileSink::Say(const LogNotice& notice) {
  std::string text;
  formatter().AppendNotice({WallTime(), notice.level, notice.text}, text);
  Append(text);
  (void)Flush();
}

void FileSink::SayAside(const LogNotice& notice) {
  const auto before = static_cast<int64_t>(written_bytes());
  Say(notice);
  base_bytes_ -= static_cast<int64_t>(written_bytes()) - before;
}

LogNotice FileSink::Reopen() {
  absl::StatusOr<UniqueFd> fd = OpenFile(path_);
  if (!fd.ok()) {
    return {LogLevel::kError, "error opening file: " + std::string(fd.status().message())};
  }
  Begin(*std::move(fd));
  next_limit_bytes_ = limit_bytes_;
  RotateIfOver();
  return {LogLevel::kInfo, "File log re-opened"};
}

}  // namespace martlet::base
