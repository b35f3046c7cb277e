// Ctrl-C and its relatives.
#pragma once

namespace martlet::cli {

/// From now on SIGINT, SIGTERM and SIGQUIT end waits instead of the process. A second one kills.
void CatchInterrupts();

/// Has one come?
bool Interrupted();

/// The exit status that a shell gives to a program that SIGINT ended.
inline constexpr int kInterruptedStatus = 130;

}  // namespace martlet::cli
