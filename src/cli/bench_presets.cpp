#include "cli/bench_presets.h"

namespace martlet::cli {
namespace {

using load::Plan;
using load::Scenario;

constexpr Preset kPresets[] = {
    {"pub", "Publish to nobody: what parsing alone costs",
     [](Plan& plan) { plan.scenario = Scenario::kPublish; }},
    {"pubsub", "One publisher, one subscriber; --pubs and --subs for more of them", [](Plan&) {}},
    {"pairs", "Independent pairs of a publisher and a subscriber (10, --pubs and --subs)",
     [](Plan& plan) {
       plan.topology = load::Topology::kPairs;
       plan.publishers = plan.subscribers = 10;
     }},
    {"fanout", "One publisher to many subscribers (100, --subs)",
     [](Plan& plan) { plan.subscribers = 100; }},
    {"fanin", "Many publishers to one subscriber (100, --pubs)",
     [](Plan& plan) { plan.publishers = 100; }},
    {"mesh", "Every publisher to every subscriber (10 x 10, --pubs and --subs)",
     [](Plan& plan) { plan.publishers = plan.subscribers = 10; }},
    {"queue", "One queue group (of 10, --subs)",
     [](Plan& plan) {
       plan.queue = "workers";
       plan.subscribers = 10;
     }},
    {"subjects", "Many subjects (1,000 in turn; --subjects, --order, --wildcard)",
     [](Plan& plan) { plan.subjects = 1000; }},
    {"headers", "Messages with headers (3, --headers)", [](Plan& plan) { plan.header_count = 3; }},
    {"churn", "One to one beside SUB/UNSUB pairs elsewhere (10,000 a second, --churn)",
     [](Plan& plan) { plan.churn_per_second = 10'000; }},
    {"slow", "Healthy subscribers (10, --subs) beside one that never reads (--stuck)",
     [](Plan& plan) {
       plan.subscribers = 10;
       plan.stuck_subscribers = 1;
     }},
    {"mixed",
     "Small messages at a rate (10,000 a second) beside a flood of 64 KiB (5,000, --flood)",
     [](Plan& plan) {
       plan.rate = 10'000;
       plan.flood_per_second = 5'000;
     }},
    {"latency", "Open loop: messages when they are due (10,000 a second, --rate, --poisson)",
     [](Plan& plan) { plan.rate = 10'000; }},
    {"request", "Requests and replies: closed loop (--depth), or open with --rate",
     [](Plan& plan) { plan.scenario = Scenario::kRequest; }},
    {"subscriptions", "Subscribe to many subjects (100,000, --subscriptions), then publish on them",
     [](Plan& plan) {
       plan.scenario = Scenario::kSubscriptions;
       plan.subscriptions = 100'000;
     }},
    {"idle", "Idle connections (1,000, --connections): memory and CPU of each",
     [](Plan& plan) {
       plan.scenario = Scenario::kIdle;
       plan.subscribers = 1000;
       plan.subscriptions = 1;
     }},
    {"connect", "Connect, CONNECT, PING, one SUB, as fast as it goes (1,000, --connections)",
     [](Plan& plan) {
       plan.scenario = Scenario::kConnect;
       plan.subscribers = 1000;
       plan.subscriptions = 1;
     }},
    {"herd", "All connections drop at once and come back (1,000 with 10 subscriptions each)",
     [](Plan& plan) {
       plan.scenario = Scenario::kHerd;
       plan.subscribers = 1000;
       plan.subscriptions = 10;
     }},
    {"limit", "What this client itself can do, against a sink and a source of its own",
     [](Plan& plan) {
       plan.scenario = Scenario::kLimit;
       plan.size_bytes = 16;
     }},
};

}  // namespace

std::span<const Preset> BenchPresets() { return kPresets; }

}  // namespace martlet::cli
