#include "ops/command_line.h"

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

namespace martlet::ops {
namespace {

using Arguments = std::vector<std::string_view>;

std::string Join(const Arguments& arguments) {
  std::string out;
  for (const std::string_view argument : arguments) out.append(argument).append(" ");
  return out;
}

Invocation Invoke(const Arguments& arguments) {
  const CommandLine result = ParseCommandLine(arguments);
  const ExitNow* exit = std::get_if<ExitNow>(&result);
  EXPECT_EQ(exit, nullptr) << Join(arguments) << (exit != nullptr ? exit->err : "");
  return exit != nullptr ? Invocation() : std::get<Invocation>(result);
}

Options Accept(const Arguments& arguments) { return Invoke(arguments).options(); }

ExitNow Exit(const Arguments& arguments) {
  const CommandLine result = ParseCommandLine(arguments);
  EXPECT_TRUE(std::holds_alternative<ExitNow>(result)) << Join(arguments);
  return std::holds_alternative<ExitNow>(result) ? std::get<ExitNow>(result) : ExitNow();
}

TEST(CommandLine, EmptyMeansTheDefaults) {
  const Options options = Accept({});
  EXPECT_EQ(options.host, "0.0.0.0");
  EXPECT_EQ(options.port, 4222);
  EXPECT_TRUE(options.log_timestamps);
  EXPECT_FALSE(options.debug);
}

TEST(CommandLine, EveryTextFlagHasItsField) {
  struct Case {
    std::vector<std::string_view> names;
    std::string Options::*field;
  };
  const Case kCases[] = {
      {{"a", "addr", "net"}, &Options::host},
      {{"n", "name", "server_name"}, &Options::server_name},
      {{"P", "pid"}, &Options::pid_file},
      {{"client_advertise"}, &Options::client_advertise},
      {{"ports_file_dir"}, &Options::ports_file_dir},
      {{"l", "log"}, &Options::log_file},
      {{"r", "remote_syslog"}, &Options::remote_syslog},
  };
  for (const Case& c : kCases) {
    for (const std::string_view name : c.names) {
      const std::string dashed = std::string("-").append(name);
      EXPECT_EQ(Accept({dashed, "value"}).*c.field, "value") << name;
      EXPECT_EQ(Accept({"-" + dashed, "-x=y"}).*c.field, "-x=y") << name;
      EXPECT_EQ(Accept({dashed + "=value=2"}).*c.field, "value=2") << name;
      EXPECT_EQ(Accept({dashed, "first", dashed, "last"}).*c.field, "last") << name;
    }
  }
}

TEST(CommandLine, EverySwitchHasItsField) {
  struct Case {
    std::vector<std::string_view> names;
    bool Options::*field;
  };
  const Case kCases[] = {
      {{"D", "debug"}, &Options::debug},
      {{"V", "trace"}, &Options::trace},
      {{"T", "logtime"}, &Options::log_timestamps},
      {{"logtime_utc"}, &Options::log_utc},
      {{"s", "syslog"}, &Options::syslog},
  };
  for (const Case& c : kCases) {
    for (const std::string_view name : c.names) {
      const std::string dashed = std::string("-").append(name);
      EXPECT_TRUE(Accept({dashed}).*c.field) << name;
      for (const char* no : {"0", "f", "F", "FALSE", "false", "False"}) {
        EXPECT_FALSE(Accept({dashed + "=" + no}).*c.field) << name << no;
      }
      for (const char* yes : {"1", "t", "T", "TRUE", "true", "True"}) {
        EXPECT_TRUE(Accept({dashed + "=0", "-" + dashed + "=" + yes}).*c.field) << name << yes;
      }
    }
  }
}

TEST(CommandLine, DebugAndTraceBeatsItsPartsWhereverItStands) {
  EXPECT_TRUE(Accept({"-DV"}).debug);
  EXPECT_TRUE(Accept({"-DV"}).trace);
  EXPECT_FALSE(Accept({"-DV=false", "-D", "-V"}).debug);
  EXPECT_TRUE(Accept({"-DV", "-D=false"}).debug);
}

// The reference looks at them in the order of their names.
TEST(CommandLine, VerboseTraceBeatsTraceAndDebugAndTrace) {
  EXPECT_TRUE(Accept({"-VV"}).trace);
  EXPECT_FALSE(Accept({"-VV"}).debug);
  EXPECT_FALSE(Accept({"-VV=false", "-V"}).trace);
  EXPECT_TRUE(Accept({"-DVV"}).trace);
  EXPECT_TRUE(Accept({"-DVV"}).debug);
  EXPECT_FALSE(Accept({"-DVV=false", "-DV"}).debug);
  EXPECT_FALSE(Accept({"-VV=false", "-DVV"}).trace);
  EXPECT_TRUE(Accept({"-VV=false", "-DVV"}).debug);
}

TEST(CommandLine, LogFlags) {
  EXPECT_EQ(Accept({"-log_size_limit", "10000000000"}).log_size_limit_bytes, 10'000'000'000);
  EXPECT_EQ(Accept({"-max_traced_msg_len", "100"}).max_traced_msg_len, 100);
  EXPECT_EQ(Accept({}).log_format, LogFormat::kText);
  EXPECT_EQ(Accept({"--log_format", "json"}).log_format, LogFormat::kJson);
  EXPECT_EQ(Accept({"--log_format=json", "--log_format=text"}).log_format, LogFormat::kText);
}

TEST(CommandLine, NumbersAreThoseOfGo) {
  struct Case {
    std::string_view text;
    int port;
  };
  constexpr Case kCases[] = {{"5222", 5222},   {"-1", -1},
                             {"+5", 5},        {"0x1F7", 503},
                             {"0b11", 3},      {"017", 15},
                             {"0o17", 15},     {"1_000", 1000},
                             {"0x_1", 1},      {"0_17", 15},
                             {"70000", 70000}, {"0", 4222},
                             {"-0X1f", -31},   {"99999999999", 2147483647}};
  for (const Case& c : kCases) EXPECT_EQ(Accept({"-p", c.text}).port, c.port) << c.text;
}

TEST(CommandLine, EmptyHostMeansTheDefault) { EXPECT_EQ(Accept({"-a", ""}).host, "0.0.0.0"); }

TEST(CommandLine, EngineFlags) {
  EXPECT_EQ(Accept({"--shards", "3"}).shards, 3);
  EXPECT_EQ(Accept({"--io_backend", "epoll"}).io_backend, IoBackend::kEpoll);
  EXPECT_EQ(Accept({"--io_backend=io_uring"}).io_backend, IoBackend::kUring);
  EXPECT_EQ(Accept({"--io_backend=auto"}).io_backend, IoBackend::kAuto);
  EXPECT_EQ(Accept({}).profile, Profile::kBalanced);
  EXPECT_EQ(Accept({"--profile", "latency"}).profile, Profile::kLatency);
  EXPECT_EQ(Accept({"--profile=throughput"}).profile, Profile::kThroughput);
  EXPECT_EQ(Accept({"--profile=latency", "-profile=balanced"}).profile, Profile::kBalanced);
}

TEST(CommandLine, MonitoringHasItsPort) {
  EXPECT_EQ(Accept({}).http_port, 0);
  EXPECT_EQ(Accept({"-m", "8222"}).http_port, 8222);
  EXPECT_EQ(Accept({"--http_port=-1"}).http_port, -1);
  EXPECT_EQ(Accept({"-m", "8222", "-m", "0"}).http_port, 0);
  EXPECT_EQ(Accept({"-m", "8222"}).port, 4222);
}

// Texts and codes are what the reference answers.
TEST(CommandLine, MistakesShowTheUsageAndExitWithZero) {
  struct Case {
    Arguments arguments;
    std::string_view error;
  };
  const Case kCases[] = {
      {{"-nope"}, "flag provided but not defined: -nope"},
      {{"--no=pe"}, "flag provided but not defined: -no"},
      {{"-p 5"}, "flag provided but not defined: -p 5"},
      {{"-p", "x"}, R"(invalid value "x" for flag -p: parse error)"},
      {{"--port="}, R"(invalid value "" for flag -port: parse error)"},
      {{"-p", "\x01\xff"}, R"(invalid value "\x01\xff" for flag -p: parse error)"},
      {{"-p", "99999999999999999999"},
       R"(invalid value "99999999999999999999" for flag -p: value out of range)"},
      {{"-p", "9223372036854775808"},
       R"(invalid value "9223372036854775808" for flag -p: value out of range)"},
      {{"-D=maybe"}, R"(invalid boolean value "maybe" for -D: parse error)"},
      {{"-v="}, R"(invalid boolean value "" for -v: parse error)"},
      {{"-p"}, "flag needs an argument: -p"},
      {{"-=x"}, "bad flag syntax: -=x"},
      {{"---x"}, "bad flag syntax: ---x"},
      {{"-h", "-nope"}, "flag provided but not defined: -nope"},
      {{"-c", "file", "-ms", "x"}, R"(invalid value "x" for flag -ms: parse error)"},
      {{"-tls=x"}, R"(invalid boolean value "x" for -tls: parse error)"},
      {{"-profile", "fast"}, R"(invalid value "fast" for flag -profile: parse error)"},
      {{"-shards", "-1"}, R"(invalid value "-1" for flag -shards: must be 0 to 1024)"},
      {{"-log_format", "xml"}, R"(invalid value "xml" for flag -log_format: must be text or json)"},
      {{"-log_size_limit", "1k"}, R"(invalid value "1k" for flag -log_size_limit: parse error)"},
      {{"-io_backend", "kqueue"},
       R"(invalid value "kqueue" for flag -io_backend: must be auto, io_uring or epoll)"},
  };
  for (const Case& c : kCases) {
    const ExitNow exit = Exit(c.arguments);
    EXPECT_EQ(exit.err, std::string(c.error) + "\n");
    EXPECT_EQ(exit.out, UsageText());
    EXPECT_EQ(exit.code, 0);
  }
  for (const char* bad : {"1__0", "_1", "1_", "0_", "0x", "0x_", "08", "0xg", "+", "+-5", "1.5",
                          " 1", "0b2", "0b", "0o"}) {
    EXPECT_EQ(Exit({"-p", bad}).out, UsageText()) << bad;
  }
}

TEST(CommandLine, HelpAndVersionAreFlagsOrWords) {
  for (const Arguments& arguments : {Arguments{"-h"},
                                     {"--help"},
                                     {"help"},
                                     {"HELP"},
                                     {"-D", "help"},
                                     {"--", "help"},
                                     {"-h", "foo"},
                                     {"help", "foo"}}) {
    EXPECT_EQ(Exit(arguments).out, UsageText()) << Join(arguments);
    EXPECT_EQ(Exit(arguments).code, 0);
    EXPECT_EQ(Exit(arguments).err, "");
  }
  for (const Arguments& arguments : {Arguments{"-v"},
                                     {"--version"},
                                     {"version"},
                                     {"-h", "-v"},
                                     {"-v", "foo"},
                                     {"-c", "x", "-v"}}) {
    EXPECT_EQ(Exit(arguments).out, VersionText()) << Join(arguments);
  }
  EXPECT_EQ(VersionText().find("nats-server: v2.15.1\nmartlet-server: v0.1.0"), 0u);
}

TEST(CommandLine, OtherWordsAreRefused) {
  for (const Arguments& arguments :
       {Arguments{"foo"}, {"-v=false", "foo"}, {"-D", "foo", "-nope"}, {"--", "foo"}}) {
    const ExitNow exit = Exit(arguments);
    EXPECT_EQ(exit.err, "nats-server: unrecognized command: \"foo\"\n") << Join(arguments);
    EXPECT_EQ(exit.code, 1);
  }
  EXPECT_EQ(Exit({"-T", "false"}).err, "nats-server: unrecognized command: \"false\"\n");
  EXPECT_EQ(Exit({"-"}).err, "nats-server: unrecognized command: \"-\"\n");
}

TEST(CommandLine, FlagsOfTheReferenceThatAreMissingHereAreNamed) {
  struct Case {
    Arguments arguments;
    std::string_view flag;
  };
  const Case kCases[] = {
      {{"-ms", "8443"}, "ms"},
      {{"-js"}, "js"},
      {{"-sd=x"}, "sd"},
      {{"-user", "a", "-pass", "b"}, "user"},
      {{"-auth", "x"}, "auth"},
      {{"-D", "-tls"}, "tls"},
      {{"-tlscert", "x"}, "tlscert"},
      {{"-profile", "1"}, "profile"},
      // What asks for nothing is no reason to refuse.
      {{"-ms", "0"}, ""},
      {{"-js=false", "-tls=false", "-cluster", "", "-connect_retries", "0"}, ""},
      {{"-D"}, ""},
  };
  for (const Case& c : kCases) {
    EXPECT_EQ(Invoke(c.arguments).unsupported, c.flag) << Join(c.arguments);
  }
}

// Whatever the table holds: a row that is added is checked, too.
TEST(CommandLine, EveryNameOfTheTableIsKnown) {
  for (const FlagInfo& flag : AllFlags()) {
    for (const std::string_view name : flag.names) {
      const std::string dashed = std::string("-").append(name);
      if (!flag.supported) {
        EXPECT_EQ(Invoke({dashed + "=1"}).unsupported, name);
        EXPECT_EQ(Invoke({"-" + dashed + "=1"}).unsupported, name);
      }
      if (flag.takes_value) {
        EXPECT_EQ(Exit({dashed}).err, "flag needs an argument: " + dashed + "\n");
      } else {
        EXPECT_EQ(Exit({dashed + "=x"}).err,
                  "invalid boolean value \"x\" for " + dashed + ": parse error\n");
      }
    }
  }
}

TEST(CommandLine, TellsWhatElseToDo) {
  EXPECT_EQ(Invoke({"-c", "a", "--config=b"}).config_file, "b");
  EXPECT_TRUE(Invoke({"-t"}).check_config);
  EXPECT_EQ(Invoke({"-sl", "reload=1"}).signal, "reload=1");
  EXPECT_EQ(Invoke({"--signal=quit"}).signal, "quit");
  EXPECT_EQ(Accept({"-m", "8222"}).http_port, 8222);
  EXPECT_EQ(Exit({"-help_tls"}).out, TlsHelpText());
}

TEST(CommandLine, FlagsGoOverTheFile) {
  Options file;
  file.port = 5000;
  file.debug = true;
  file.server_name = "file";
  const Options none = Invoke({}).Over(file);
  EXPECT_EQ(none.port, 5000);
  EXPECT_TRUE(none.debug);
  const Options some = Invoke({"-p", "6000", "-D=false"}).Over(file);
  EXPECT_EQ(some.port, 6000);
  EXPECT_FALSE(some.debug);
  EXPECT_EQ(some.server_name, "file");
  EXPECT_EQ(Invoke({"-p", "0"}).Over(file).port, Options().port) << "zero: the default";
}

TEST(UsageText, IsLaidOutLikeTheReferences) {
  const std::string usage = UsageText();
  EXPECT_EQ(
      usage.find("\nUsage: nats-server [options]\n\nServer Options:\n"
                 "    -a, --addr, --net <host>         Bind to host address (default: 0.0.0.0)\n"),
      0u);
  EXPECT_NE(usage.find("    -n, --name\n"
                       "        --server_name <server_name>  Server name (default: auto)\n"),
            std::string::npos);
  EXPECT_NE(usage.find("        --cluster_advertise <string> Cluster URL"), std::string::npos);
  EXPECT_NE(usage.find("    -js, --jetstream                 Enable JetStream functionality (not "
                       "supported yet)\n"),
            std::string::npos);
}

}  // namespace
}  // namespace martlet::ops
