// MSG and HMSG as they go to one subscriber.
#pragma once

#include <string_view>

#include "session/message.h"
#include "session/outbound.h"

namespace martlet::session {

/// Appends the message, or all of a run, for the subscription `sid`: HMSG when it has a header
/// block and the subscriber takes headers, else MSG, the header block cut off. Sizes that do not
/// change keep the publisher's digits. Source: spec client-protocol.md section 7.
void AppendMessage(const Message& message, std::string_view sid, bool headers, Outbound& out);

/// Appends the message, or all of a run, for another server: RMSG, or HMSG when it has a header
/// block and that server takes headers. `account` is left out (empty) on a route that is dedicated
/// to it; `queues` are the names of the groups that are to get it there, a blank between two.
/// Source: spec route-protocol.md section 5.
void AppendRouteMessage(const Message& message, std::string_view account, std::string_view queues,
                        bool headers, Outbound& out);

/// Writes what AppendMessage would append into the block that `pool` is filling; of a run as many
/// messages as have room there, at least one: `count` says how many. The caller acquires the block
/// for as long as it uses the result.
SharedBytes WriteShared(const Message& message, std::string_view sid, bool headers, ChunkPool& pool,
                        uint32_t& count);

/// The control line alone, without line end, for the trace.
std::string MessageLine(const Message& message, std::string_view sid, bool headers);

/// Appends an HMSG without body; `block` is the header block.
void AppendStatus(std::string_view subject, std::string_view sid, std::string_view block,
                  Outbound& out);

}  // namespace martlet::session
