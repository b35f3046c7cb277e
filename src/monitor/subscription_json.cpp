#include "monitor/subscription_json.h"

namespace martlet::monitor {

void WriteSubscription(const SubscriptionInfo& subscription, std::string_view account,
                       json::Writer& json) {
  json.BeginObject();
  if (!account.empty()) {
    json.Member("account", account);
    json.Member("account_tag", account);  // its name, where it has no tag of its own
  }
  json.Member("subject", subscription.subject);
  json.OptionalMember("qgroup", subscription.queue);
  json.Member("sid", subscription.sid);
  json.Member("msgs", subscription.msgs);
  json.OptionalMember("max", subscription.max);
  json.Member("cid", subscription.cid);
  json.EndObject();
}

}  // namespace martlet::monitor
