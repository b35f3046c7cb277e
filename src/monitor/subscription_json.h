// A subscription as /connz and /subsz show it.
#pragma once

#include <string_view>

#include "json/writer.h"
#include "monitor/snapshot.h"

namespace martlet::monitor {

/// One object; without an account's name where that is empty. Source: reference SubDetail.
void WriteSubscription(const SubscriptionInfo& subscription, std::string_view account,
                       json::Writer& json);

}  // namespace martlet::monitor
