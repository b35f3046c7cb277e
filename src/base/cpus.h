// The processors that this process may use.
#pragma once

#include <cstdint>
#include <vector>

namespace martlet::base {

/// Their numbers, as the affinity mask allows; never empty.
std::vector<int> AllowedCpus();

/// Binds the calling thread to one of them, or to several between which the kernel may move it. A
/// refusal is ignored: it costs speed, nothing else.
void PinThisThread(int cpu);
void PinThisThread(const std::vector<int>& cpus);

/// Names the calling thread for top and perf; 15 characters at most.
void NameThisThread(const char* name);

/// How often the kernel has taken the CPU from the calling thread to give it to another.
uint64_t InvoluntarySwitches();

/// Lifts the soft limit of open files to the hard one.
void RaiseFileLimit();

}  // namespace martlet::base
