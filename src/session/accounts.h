// Accounts by name and by number.
#pragma once

#include <optional>
#include <string_view>

#include "subject/filter.h"

namespace martlet::session {

/// The accounts there are: the default one and the system's.
inline constexpr std::string_view kAccountNames[] = {"$G", "$SYS"};
static_assert(subject::kGlobalAccount == 0 && subject::kSystemAccount == 1);

/// As routes carry it.
inline std::string_view AccountName(subject::AccountId account) { return kAccountNames[account]; }

/// Nothing for a name that no account has.
inline std::optional<subject::AccountId> FindAccount(std::string_view name) {
  for (subject::AccountId account = 0; account < std::size(kAccountNames); ++account) {
    if (kAccountNames[account] == name) return account;
  }
  return std::nullopt;
}

}  // namespace martlet::session
