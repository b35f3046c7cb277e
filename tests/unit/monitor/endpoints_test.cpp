#include "monitor/endpoints.h"

#include <string>
#include <string_view>
#include <variant>

#include <gtest/gtest.h>

namespace martlet::monitor {
namespace {

Asked Ask(std::string_view base_path, std::string_view path, std::string_view query = {}) {
  return Endpoints(base_path).Read(
      {.method = "GET", .path = std::string(path), .query = std::string(query)});
}

template <class Wanted>
bool Is(const Asked& asked) {
  return std::holds_alternative<Wanted>(asked.wish);
}

bool IsNotFound(const Asked& asked) {
  const auto* response = std::get_if<Response>(&asked.wish);
  return response != nullptr && response->status == 404 && asked.counted.empty() &&
         response->body == "404 page not found\n";
}

TEST(Endpoints, EachHasItsPath) {
  EXPECT_TRUE(Is<RootQuery>(Ask("", "/")));
  EXPECT_TRUE(Is<VarzQuery>(Ask("", "/varz")));
  EXPECT_TRUE(Is<ConnzQuery>(Ask("", "/connz")));
  EXPECT_TRUE(Is<RoutezQuery>(Ask("", "/routez")));
  EXPECT_TRUE(Is<SubszQuery>(Ask("", "/subsz")));
  EXPECT_TRUE(Is<SubszQuery>(Ask("", "/subscriptionsz")));
  EXPECT_TRUE(Is<HealthzQuery>(Ask("", "/healthz")));
  for (const std::string_view path : {"/varz/", "/Varz", "//varz", "/varzx", "", "varz", "/jsz"}) {
    EXPECT_TRUE(IsNotFound(Ask("", path))) << path;
  }
}

TEST(Endpoints, StandBelowABasePath) {
  for (const std::string_view base : {"/a/b", "a/b", "/a/b/", "//a/./b", "/x/../a/b"}) {
    EXPECT_EQ(Endpoints(base).base_path(), "/a/b") << base;
    EXPECT_TRUE(Is<RootQuery>(Ask(base, "/a/b"))) << base;
    EXPECT_TRUE(Is<VarzQuery>(Ask(base, "/a/b/varz"))) << base;
    for (const std::string_view path : {"/", "/varz", "/a/b/", "/a/bvarz", "/a/varz"}) {
      EXPECT_TRUE(IsNotFound(Ask(base, path))) << base << path;
    }
  }
  EXPECT_EQ(Endpoints("").base_path(), "/");
  EXPECT_EQ(Endpoints("/..").base_path(), "/");
}

TEST(Endpoints, AreCountedByTheirOwnPath) {
  EXPECT_EQ(Ask("/a", "/a").counted, "/");
  EXPECT_EQ(Ask("/a", "/a/varz").counted, "/varz");
  EXPECT_EQ(Ask("", "/subscriptionsz").counted, "/subsz");
  // Some count before they look at what they are asked, some behind.
  EXPECT_EQ(Ask("", "/subsz", "subs=x").counted, "/subsz");
  EXPECT_EQ(Ask("", "/healthz", "details=x").counted, "/healthz");
  EXPECT_EQ(Ask("", "/connz", "auth=x").counted, "");
  EXPECT_EQ(Ask("", "/connz", "sort=x").counted, "/connz");
  EXPECT_EQ(Ask("", "/routez", "subs=x").counted, "");
}

TEST(Endpoints, ABadParameterIsTold) {
  const Asked asked = Ask("", "/connz", "limit=x");
  const auto& response = std::get<Response>(asked.wish);
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.type, kTextType);
  EXPECT_FALSE(response.any_origin);
  EXPECT_EQ(response.body,
            "Error decoding int for 'limit': strconv.Atoi: parsing \"x\": invalid syntax");
  EXPECT_TRUE(Is<Response>(Ask("", "/routez", "subs=x")));
  EXPECT_TRUE(Is<RoutezQuery>(Ask("", "/routez", "subs=detail")));
}

TEST(Endpoints, ThePageOfLinksLeadsToThem) {
  const Response plain = RootPage("/");
  EXPECT_EQ(plain.type, kHtmlType);
  for (const std::string_view path : {"/varz", "/connz", "/subsz", "/routez", "/healthz"}) {
    EXPECT_NE(plain.body.find("href=\"." + std::string(path) + "\""), std::string::npos) << path;
    EXPECT_FALSE(IsNotFound(Ask("/", path)));
  }
  EXPECT_NE(RootPage("/a").body.find("href=\"./a/varz\""), std::string::npos);
}

}  // namespace
}  // namespace martlet::monitor
