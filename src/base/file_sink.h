// The log in a file: appended to, rotated by size, opened again on demand.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <absl/status/statusor.h>

#include "base/log_backups.h"
#include "base/stream_sink.h"
#include "base/unique_fd.h"

namespace martlet::base {

/// Appends to a file, made with mode 0640.
///
/// With a size limit the file is given a name with the time and a new one begun as soon as it has
/// become larger than that; with a limit of files the oldest of those are removed then. What goes
/// wrong is said in the file, which stays in use, and tried again at twice the size.
/// Source: reference logger/log.go (fileLogger). Where a rename fails, the reference claims that
/// the backup was made, and where the new file cannot be opened it panics; we tell, and go on.
class FileSink final : public StreamSink {
 public:
  /// Fails in the reference's words: `error opening file: open x: permission denied`.
  static absl::StatusOr<std::unique_ptr<LogSink>> Open(const std::string& path);

  /// A file that was moved away meanwhile is opened again; one that is over the limit is rotated.
  void Adopt(const LogOptions& options) override;
  bool Write(const LogLine& line) override;
  /// When the file cannot be opened the old one stays, for a log in the old place is better than
  /// none.
  LogNotice Reopen() override;

 private:
  FileSink(std::string path, UniqueFd fd);

  int64_t size_bytes() const;
  bool MovedAway() const;
  void Begin(UniqueFd fd);
  void RotateIfOver();
  void Rotate();
  void PutOff(const std::string& trouble);
  void Say(const LogNotice& notice);
  void SayAside(const LogNotice& notice);  // without counting it

  const std::string path_;
  UniqueFd fd_;
  // The size that counts for the limit, less what was written since Begin(). As in the reference
  // the line about a rotation counts, those about its troubles and about old backups do not.
  int64_t base_bytes_ = 0;
  int64_t limit_bytes_ = 0;       // 0: none
  int64_t next_limit_bytes_ = 0;  // that, or more after a failure
  int64_t files_max_ = 0;
};

}  // namespace martlet::base
