// What the flags of the cluster mean.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <martlet/options.h>

namespace martlet::ops {

/// -cluster and -cluster_listen: the listener, and the user that other servers have to name.
/// Returns what is wrong with the URL, or nothing. Source: reference overrideCluster.
std::string ApplyClusterUrl(const std::string& text, ClusterOptions& cluster);

/// -routes: a list of URLs with commas. Source: reference RoutesFromStr.
std::string ApplyRoutes(std::string_view text, ClusterOptions& cluster);

}  // namespace martlet::ops
