// Writes what is made from the tables of flags and keys: man pages and shell completions.
//
//   generate
//   martlet-server.1|martlet.conf.5|martlet-server.bash|_martlet-server|martlet-server.fish
//
// prints it.
#include <cstdio>
#include <string>
#include <string_view>

#include <martlet/version.h>

#include "config/config.h"
#include "ops/command_line.h"

namespace martlet {
namespace {

using config::KeyInfo;
using ops::FlagInfo;

// Text for roff: backslashes and leading dots mean something there.
std::string Roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if (c == '\n') {
      out += ' ';
    } else {
      out += c;
    }
  }
  if (out.starts_with('.') || out.starts_with('\'')) out = "\\&" + out;
  return out;
}

std::string Quoted(std::string_view text, std::string_view special) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += ' ';
      continue;
    }
    if (special.find(c) != special.npos) out += '\\';
    out += c;
  }
  return out;
}

std::string DashedNames(const FlagInfo& flag, std::string_view between) {
  std::string out;
  for (const std::string_view name : flag.names) {
    if (!out.empty()) out += between;
    out += (name.size() <= 3 ? "-" : "--") + std::string(name);
  }
  return out;
}

std::string ServerManual() {
  std::string out =
      ".TH MARTLET\\-SERVER 1 \"\" \"martlet " + std::string(kVersion) +
      "\" \"Martlet\"\n"
      ".SH NAME\nmartlet\\-server \\- message broker that speaks NATS\n"
      ".SH SYNOPSIS\n.B martlet\\-server\n[\\fIoptions\\fR]\n"
      ".SH DESCRIPTION\n"
      "A drop\\-in replacement for nats\\-server: the same protocol, flags, "
      "configuration and signals. Flags beat the configuration file. One dash and two "
      "are the same; a value stands behind a blank or an equals sign, and that of a "
      "switch behind an equals sign only.\n"
      ".SH OPTIONS\n";
  std::string_view group;
  for (const FlagInfo& flag : ops::AllFlags()) {
    if (flag.group != group) {
      group = flag.group;
      out += ".SS " + Roff(group) + "\n";
    }
    out += ".TP\n.B " + Roff(DashedNames(flag, ", ")) + (flag.takes_value ? " \\fIvalue\\fR" : "") +
           "\n" + Roff(flag.help) + (flag.supported ? "" : " (not supported yet)") + "\n";
  }
  out +=
      ".SH SIGNALS\n"
      ".TP\n.B HUP\nReads the configuration file again (\\-sl reload). All changes are done, or "
      "none.\n"
      ".TP\n.B USR1\nOpens the log file anew (\\-sl reopen).\n"
      ".TP\n.B USR2\nLame duck mode: clients are moved away, then the server ends (\\-sl ldm).\n"
      ".TP\n.B INT, TERM\nEnds the server (\\-sl quit, term).\n"
      ".SH EXIT STATUS\n0 after a signal, 1 where it could not start.\n"
      ".SH ENVIRONMENT\n"
      ".TP\n.B NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID\nAs sd_notify(3) has them.\n"
      "Variables may be used in the configuration file.\n"
      ".SH SEE ALSO\n.BR martlet.conf (5)\n";
  return out;
}

std::string ConfigManual() {
  std::string out =
      ".TH MARTLET.CONF 5 \"\" \"martlet " + std::string(kVersion) +
      "\" \"Martlet\"\n"
      ".SH NAME\nmartlet.conf \\- configuration of martlet\\-server\n"
      ".SH DESCRIPTION\n"
      "Keys and values, one pair to a line, with =, : or a blank between them; maps in "
      "{ }, arrays in [ ]; # and // begin a comment; JSON is understood. Sizes are "
      "integers with k, kb, m, mb, g, gb (kb: 1024 bytes); durations are strings like "
      "\"2s\" or \"1m30s\". $NAME is a value named before, or a variable of the "
      "environment; include \"file\" reads another file.\n"
      ".PP\n"
      "Keys marked with * take effect at a reload, the others when the server starts. "
      "\\fBmartlet config check\\fR tells what is wrong with a file, \\fBmartlet config "
      "diff \\-\\-running\\fR what a reload would do.\n";
  std::string block = "-";
  for (const KeyInfo& key : config::AllKeys()) {
    if (key.block != block) {
      block = key.block;
      out += ".SH " + (block.empty() ? std::string("KEYS") : "KEYS OF " + Roff(block)) + "\n";
    }
    std::string names;
    for (const std::string& name : key.names) names += (names.empty() ? "" : ", ") + name;
    out += ".TP\n.B " + Roff(names) + (key.hot ? " *" : "") + "\n" + Roff(key.help) + ". " +
           Roff("Type: " + key.type);
    if (!key.standard.empty()) out += Roff("; default: " + key.standard);
    out += ".\n";
  }
  return out + ".SH SEE ALSO\n.BR martlet\\-server (1)\n";
}

std::string BashCompletion() {
  std::string flags;
  for (const FlagInfo& flag : ops::AllFlags()) flags += DashedNames(flag, " ") + " ";
  return "# bash completion of martlet-server\n"
         "_martlet_server() {\n"
         "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
         "  case $before in\n"
         "    -sl|--signal) COMPREPLY=($(compgen -W 'ldm stop quit term reopen reload' -- "
         "\"$word\"));"
         " return;;\n"
         "    -c|--config|-l|--log|-P|--pid|--tlscert|--tlskey|--tlscacert)"
         " COMPREPLY=($(compgen -f -- \"$word\")); return;;\n"
         "    --ports_file_dir|-sd|--store_dir) COMPREPLY=($(compgen -d -- \"$word\")); return;;\n"
         "    --profile) COMPREPLY=($(compgen -W 'balanced latency throughput' -- \"$word\"));"
         " return;;\n"
         "    --io_backend) COMPREPLY=($(compgen -W 'auto io_uring epoll' -- \"$word\")); "
         "return;;\n"
         "  esac\n"
         "  COMPREPLY=($(compgen -W '" +
         flags +
         "' -- \"$word\"))\n"
         "}\n"
         "complete -F _martlet_server martlet-server\n";
}

std::string ZshCompletion() {
  std::string out = "#compdef martlet-server\n_arguments -s \\\n";
  for (const FlagInfo& flag : ops::AllFlags()) {
    for (const std::string_view name : flag.names) {
      out += "  '" + std::string(name.size() <= 3 ? "-" : "--") + std::string(name) + "[" +
             Quoted(flag.help, "[]':\\") + "]" + (flag.takes_value ? ":value:_files" : "") +
             "' \\\n";
    }
  }
  return out + "  && return\n";
}

std::string FishCompletion() {
  std::string out = "# fish completion of martlet-server\n";
  for (const FlagInfo& flag : ops::AllFlags()) {
    out += "complete -c martlet-server";
    for (const std::string_view name : flag.names) {
      out += (name.size() == 1 ? " -s " : name.size() <= 3 ? " -o " : " -l ") + std::string(name);
    }
    out +=
        (flag.takes_value ? " -r" : "") + std::string(" -d '") + Quoted(flag.help, "'\\") + "'\n";
  }
  return out;
}

int Main(int argc, char** argv) {
  const std::string_view wanted = argc == 2 ? argv[1] : "";
  std::string text;
  if (wanted == "martlet-server.1") {
    text = ServerManual();
  } else if (wanted == "martlet.conf.5") {
    text = ConfigManual();
  } else if (wanted == "martlet-server.bash") {
    text = BashCompletion();
  } else if (wanted == "_martlet-server") {
    text = ZshCompletion();
  } else if (wanted == "martlet-server.fish") {
    text = FishCompletion();
  } else {
    std::fputs("generate: name one of the files that its source lists\n", stderr);
    return 1;
  }
  return std::fputs(text.c_str(), stdout) < 0 ? 1 : 0;
}

}  // namespace
}  // namespace martlet

int main(int argc, char** argv) { return martlet::Main(argc, argv); }
