// Which endpoint a request is for, and what it is asked.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "monitor/connz.h"
#include "monitor/http_request.h"
#include "monitor/http_response.h"
#include "monitor/pages.h"
#include "monitor/routez.h"
#include "monitor/subsz.h"

namespace martlet::monitor {

struct RootQuery {};
struct VarzQuery {};

/// What a request wants; a Response is the answer already: nobody knows the path, or a parameter
/// is wrong.
using Wish =
    std::variant<Response, RootQuery, VarzQuery, RoutezQuery, HealthzQuery, ConnzQuery, SubszQuery>;

struct Asked {
  Wish wish;
  std::string_view counted;  // the path under which varz counts the request; empty: not at all
};

/// The paths of one server. Any method is as good as GET.
/// Source: spec monitoring-and-logs.md section 1; reference startMonitoring.
class Endpoints {
 public:
  /// `base_path` as configured: `/a`, `a`, `/a/` all mean that they stand below /a.
  explicit Endpoints(std::string_view base_path);

  Asked Read(const HttpRequest& request) const;

  /// Begins with a slash and ends without one, or is just that slash.
  const std::string& base_path() const { return base_path_; }

 private:
  std::string base_path_;
};

}  // namespace martlet::monitor
