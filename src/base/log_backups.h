// The files that a rotated log leaves beside it.
#pragma once

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "base/log_line.h"

namespace martlet::base {

/// `path` with the local time behind it: `server.log.2024.12.31.23.59.59.000000001`.
std::string BackupName(std::string_view path, const timespec& at);

/// Whether a file of this name is a backup of the log file named `log`, both without directory.
/// Source: what Go's time.Parse takes for the reference's layout.
bool IsBackupName(std::string_view log, std::string_view name);

/// Removes the oldest backups, so that with the file at `path` itself `files_max` remain; tells
/// what it removed, or why it could not and will try at the next rotation.
std::vector<LogNotice> PurgeBackups(const std::string& path, int64_t files_max);

}  // namespace martlet::base
