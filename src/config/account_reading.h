// An account while its block is read.
#pragma once

#include <vector>

#include "config/blocks.h"
#include "config/reading.h"

namespace martlet::config {

struct AccountReading {
  Account account;
  std::vector<User> users;
  std::vector<User> nkeys;
  Location users_at;
};

void ReadExports(const Entry& entry, AccountReading& out);
void ReadImports(const Entry& entry, AccountReading& out);
void CheckAccountJetStream(const Entry& entry, Account& account);

}  // namespace martlet::config
