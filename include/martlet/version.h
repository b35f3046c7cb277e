// Who we are, and which release of the reference server we conform to.
#pragma once

namespace martlet {

inline constexpr char kVersion[] = "0.1.0";

/// The nats-server release whose behaviour is reproduced; sent as INFO `version`, because clients
/// decide features by it.
inline constexpr char kReferenceVersion[] = "2.15.1";

/// INFO `proto` of that release.
inline constexpr int kProtocol = 1;

/// INFO `api_lvl` of that release (JetStream API level, sent even with JetStream off).
inline constexpr int kApiLevel = 5;

}  // namespace martlet
