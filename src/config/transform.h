// Whether a subject can be mapped to another. The mapping itself is not done here.
#pragma once

#include <string>
#include <string_view>

namespace martlet::config {

/// What is wrong with mapping `source` to `destination`, in the reference's words; empty: nothing.
/// Source: reference ValidateMapping.
std::string CheckMapping(std::string_view source, std::string_view destination);

/// Dito for the transform alone. Strict ones can be reversed: they use each wildcard and no other
/// function. Source: reference NewSubjectTransformWithStrict.
std::string CheckTransform(std::string_view source, std::string_view destination, bool strict);

/// "foo.*.*" as a destination: "foo.$1.$2".
std::string WithPlaceholders(std::string_view subject);

/// Whether some subject is covered by both filters.
bool Collide(std::string_view a, std::string_view b);
/// Whether `filter` covers all that `subset` does.
bool Covers(std::string_view filter, std::string_view subset);

}  // namespace martlet::config
