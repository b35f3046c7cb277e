#include "ops/log_options.h"

#include <gtest/gtest.h>

namespace martlet::ops {
namespace {

TEST(LogOptionsOf, EachOptionHasItsPlace) {
  Options options;
  options.log_file = "file";
  options.remote_syslog = "url";
  options.syslog = true;
  options.debug = true;
  options.trace = true;
  options.log_timestamps = false;
  options.log_utc = true;
  options.log_format = LogFormat::kJson;
  options.log_size_limit_bytes = 5;
  options.log_files_max = 6;
  const base::LogOptions log = LogOptionsOf(options, "server");
  EXPECT_EQ(log.file, "file");
  EXPECT_EQ(log.remote_syslog, "url");
  EXPECT_TRUE(log.syslog);
  EXPECT_TRUE(log.debug);
  EXPECT_TRUE(log.trace);
  EXPECT_FALSE(log.timestamps);
  EXPECT_TRUE(log.utc);
  EXPECT_EQ(log.format, LogFormat::kJson);
  EXPECT_EQ(log.size_limit_bytes, 5);
  EXPECT_EQ(log.files_max, 6);
}

TEST(LogOptionsOf, SyslogShowsTheLastPartOfTheProgramsPath) {
  EXPECT_EQ(LogOptionsOf({}, "nats-server").syslog_tag, "nats-server");
  EXPECT_EQ(LogOptionsOf({}, "/usr/bin/nats-server").syslog_tag, "nats-server");
  EXPECT_EQ(LogOptionsOf({}, "./a//b//").syslog_tag, "b");
  EXPECT_EQ(LogOptionsOf({}, "").syslog_tag, "");
}

}  // namespace
}  // namespace martlet::ops
