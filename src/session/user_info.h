// The service behind $SYS.REQ.USER.INFO.
#pragma once

#include <string_view>

#include "session/message.h"

namespace martlet::session {

class ClientSession;

inline constexpr std::string_view kUserInfoSubject = "$SYS.REQ.USER.INFO";

/// Answers a client that asks who it is, on the reply subject of its request; a request without
/// one is ignored. Source: spec monitoring-and-logs.md section 5.
void AnswerUserInfo(const Message& request, ClientSession& client);

}  // namespace martlet::session
