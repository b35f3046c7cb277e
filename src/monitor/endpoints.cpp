#include "monitor/endpoints.h"

#include <array>
#include <optional>
#include <utility>

namespace martlet::monitor {
namespace {

Asked Refuse(const BadQuery& bad, std::string_view path) {
  return {TextResponse(400, bad.text), bad.counts ? path : std::string_view()};
}

Asked AskRoot(Query& /*query*/) { return {RootQuery(), "/"}; }

Asked AskVarz(Query& /*query*/) { return {VarzQuery(), "/varz"}; }

Asked AskRoutez(Query& query) {
  std::variant<RoutezQuery, BadQuery> read = ReadRoutez(query);
  if (const auto* bad = std::get_if<BadQuery>(&read)) return Refuse(*bad, "/routez");
  return {std::get<RoutezQuery>(read), "/routez"};
}

Asked AskConnz(Query& query) {
  std::variant<ConnzQuery, BadQuery> read = ReadConnz(query);
  if (const auto* bad = std::get_if<BadQuery>(&read)) return Refuse(*bad, "/connz");
  return {std::get<ConnzQuery>(std::move(read)), "/connz"};
}

Asked AskSubsz(Query& query) {
  std::variant<SubszQuery, BadQuery> read = ReadSubsz(query);
  if (const auto* bad = std::get_if<BadQuery>(&read)) return Refuse(*bad, "/subsz");
  return {std::get<SubszQuery>(std::move(read)), "/subsz"};
}

Asked AskHealthz(Query& query) {
  const std::optional<HealthzQuery> read = ReadHealthz(query);
  if (!read) return {TextResponse(400, query.error()), "/healthz"};
  return {*read, "/healthz"};
}

struct Endpoint {
  std::string_view path;
  std::string_view label;  // on the page of links; empty: not there
  Asked (*ask)(Query& query);
};
constexpr std::array<Endpoint, 7> kEndpoints = {{
    {"/", "", &AskRoot},
    {"/varz", "General", &AskVarz},
    {"/connz", "Connections", &AskConnz},
    {"/subsz", "Subscriptions", &AskSubsz},
    {"/subscriptionsz", "", &AskSubsz},
    {"/routez", "Routes", &AskRoutez},
    {"/healthz", "Health Probe", &AskHealthz},
}};

// Go's path.Clean for what begins with a slash.
std::string Clean(std::string_view path) {
  std::string clean;
  while (!path.empty()) {
    const size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    path.remove_prefix(slash == path.npos ? path.size() : slash + 1);
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      clean.resize(clean.empty() ? 0 : clean.rfind('/'));
    } else {
      clean.append("/").append(part);
    }
  }
  return clean.empty() ? "/" : clean;
}

}  // namespace

Endpoints::Endpoints(std::string_view base_path) : base_path_(Clean(base_path)) {}

Asked Endpoints::Read(const HttpRequest& request) const {
  std::string_view path = request.path;
  if (path == base_path_) {
    path = "/";
  } else if (base_path_ != "/") {
    const bool below = path.starts_with(base_path_) && path.substr(base_path_.size()).size() > 1 &&
                       path[base_path_.size()] == '/';
    if (!below) return {NotFound(), {}};
    path.remove_prefix(base_path_.size());
  }
  for (const Endpoint& endpoint : kEndpoints) {
    if (endpoint.path != path) continue;
    Query query(request.query);
    return endpoint.ask(query);
  }
  return {NotFound(), {}};
}

Response RootPage(std::string_view base_path) {
  Response page = {.type = kHtmlType};
  page.body =
      "<html lang=\"en\">\n<head>\n<title>martlet-server</title>\n<style>\n"
      "body { font-family: sans-serif; margin: 2em }\n"
      "a { display: block; padding: 0.2em; color: #48485c; text-decoration: none }\n"
      "a:hover { color: #3b32ca }\n</style>\n</head>\n<body>\n<h1>martlet-server</h1>\n";
  const std::string_view prefix = base_path == "/" ? std::string_view() : base_path;
  for (const Endpoint& endpoint : kEndpoints) {
    if (endpoint.label.empty()) continue;
    page.body.append("<a href=\".").append(prefix).append(endpoint.path).append("\">");
    page.body.append(endpoint.label).append("</a>\n");
  }
  page.body += "</body>\n</html>\n";
  return page;
}

}  // namespace martlet::monitor
