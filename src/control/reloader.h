// The configuration, read again while the server runs.
#pragma once

#include <string>

#include <absl/status/statusor.h>

#include <martlet/options.h>

#include "config/environment.h"
#include "config/plan.h"
#include "ops/command_line.h"

namespace martlet::control {

/// Knows where the configuration came from; decides what a reload would do. Performs nothing.
///
/// Thread: the control shard's; blocks on the files.
class Reloader {
 public:
  /// `argv0`: what the program was started by. `digest`: of the file as the server was started with
  /// it; empty: there is none.
  Reloader(ops::Invocation invocation, std::string argv0, std::string digest,
           config::Environment& environment)
      : invocation_(std::move(invocation)),
        argv0_(std::move(argv0)),
        digest_(std::move(digest)),
        environment_(environment) {}

  const std::string& argv0() const { return argv0_; }
  const std::string& digest() const { return digest_; }

  struct Next {
    Options options;
    config::Plan plan;
    std::string digest;
    std::string warnings;  // lines, each ended
  };
  /// What the file asks for now, with the flags over it. Fails where nothing may change: no file,
  /// a wrong one, or a change that needs a restart; in the reference's words.
  /// Source: spec config-and-cli.md section 6; reference Server.Reload.
  absl::StatusOr<Next> Read(const Options& running) const;

 private:
  const ops::Invocation invocation_;
  const std::string argv0_;
  const std::string digest_;
  config::Environment& environment_;
};

}  // namespace martlet::control
