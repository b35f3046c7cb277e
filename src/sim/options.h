// What a simulated run is asked for, and what it answers.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace martlet::sim {

/// Errors that are known to be made, to see that the simulation finds them.
enum class Mutant : uint8_t {
  kNone,
  kLockOut,            // a duplicate never makes the old connection prove that it lives
  kTightRedial,        // connections that end are dialled again without a pause
  kMissingMember,      // a member of a pool that could not be dialled is given up
  kForgottenPeer,      // so is a server
  kReorderedInterest,  // RS+ overtakes the RS- before it
  kEarlyUnsubscribe,   // a subscription for so many messages is taken back when it says how many
};

/// Nothing for a word that is none: "none", "lock-out", "tight-redial", ...
bool ParseMutant(std::string_view text, Mutant& mutant);
/// All of those words.
std::string_view MutantWords();

struct Options {
  uint64_t seed = 1;
  int servers = 0;  // 0: the seed decides
  Mutant mutant = Mutant::kNone;
  /// Called with each thing that happens; empty: nobody wants to know.
  std::function<void(const std::string&)> trace;
};

struct Result {
  std::string failure;  // empty: all went well
  int servers = 0;
  int faults = 0;
  uint64_t settled_ms = 0;  // from the end of the faults until the cluster was whole
  uint64_t bound_ms = 0;    // how long that might have taken
  uint64_t dials = 0;
  uint64_t gossip = 0;       // messages about other servers
  uint64_t differences = 0;  // times that a check of members had them told again
  uint64_t events = 0;
};

/// Runs one seed. The same options give the same result.
Result Run(const Options& options);

}  // namespace martlet::sim
