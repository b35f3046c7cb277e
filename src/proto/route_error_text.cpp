// What the log says of faults on routes.
#include <algorithm>
#include <string>

#include "base/go_text.h"
#include "proto/control_line.h"
#include "proto/route_parser.h"

namespace martlet::proto {
namespace {

using base::GoQuote;

constexpr size_t kInputBytesMax = 512;

// The reference's function that reads the arguments.
std::string_view ReaderOf(RouteOpKind kind) {
  switch (kind) {
    case RouteOpKind::kRmsg:
      return "processRoutedMsgArgs";
    case RouteOpKind::kHmsg:
      return "processRoutedHeaderMsgArgs";
    case RouteOpKind::kLmsg:
      return "processRoutedOriginClusterMsgArgs";
    case RouteOpKind::kRoutedSub:
    case RouteOpKind::kLeafSub:
      return "processRemoteSub";
    case RouteOpKind::kRoutedUnsub:
    case RouteOpKind::kLeafUnsub:
      return "processRemoteUnsub";
    case RouteOpKind::kPub:
      return "processPub";
    case RouteOpKind::kHpub:
      return "processHeaderPub";
    default:
      return {};
  }
}

bool IsOfClients(RouteOpKind kind) {
  return kind == RouteOpKind::kPub || kind == RouteOpKind::kHpub;
}

std::string_view WordsOf(const RouteErrorDetail& detail) {
  switch (detail.error) {
    case RouteParseError::kArguments:
      return ReaderOf(detail.kind) == "processRemoteUnsub" ? "parse error" : "Parse Error";
    case RouteParseError::kReplyIndicator:
      return "Bad or Missing Reply Indicator";
    case RouteParseError::kHeaderSize:
      return "Bad or Missing Header Size";
    case RouteParseError::kSize:
      return detail.kind == RouteOpKind::kHpub ? "Bad or Missing Total Size"
                                               : "Bad or Missing Size";
    case RouteParseError::kSizeOrder:
      return "Header Size larger then TotalSize";
    default:
      return {};
  }
}

// A list of texts, as Go prints it: `[a b c]`. An account that goes without saying comes first,
// or behind the origin.
std::string GoList(std::string_view argument, RouteOpKind kind, std::string_view account) {
  const size_t account_at = kind == RouteOpKind::kLmsg ? 1 : 0;
  std::string list;
  const auto add = [&list](std::string_view part) {
    if (!list.empty()) list += ' ';
    list += part;
  };
  for (size_t i = 0;; ++i) {
    if (i == account_at && !account.empty()) add(account);
    const std::string_view part = TakePart<true>(argument);
    if (part.empty()) break;
    add(part);
  }
  return "[" + list + "]";
}

std::string Quoted(const RouteErrorDetail& detail, std::string_view account) {
  const std::string_view input = detail.input.substr(0, kInputBytesMax);
  if (IsOfClients(detail.kind)) return GoQuote(input);
  const bool as_list =
      detail.error == RouteParseError::kSize ||
      (detail.error == RouteParseError::kArguments && ReaderOf(detail.kind).ends_with("MsgArgs"));
  if (as_list) return "'" + GoList(input, detail.kind, account) + "'";
  // The reference puts a letter in front, and keeps interest under that name.
  const std::string_view letter = detail.kind == RouteOpKind::kRoutedSub ? "R "
                                  : detail.kind == RouteOpKind::kLeafSub ? "L "
                                                                         : "";
  return "'" + std::string(letter) + std::string(input) + "'";
}

}  // namespace

std::string RouteErrorText(const RouteErrorDetail& detail, std::string_view account) {
  switch (detail.error) {
    case RouteParseError::kNone:
      return {};
    case RouteParseError::kControlLine:
      return "maximum control line exceeded";
    case RouteParseError::kUnknownOperation: {
      constexpr size_t kSnippetBytes = 32;
      std::string_view snippet = detail.input.substr(0, kSnippetBytes);
      // The reference leaves out the last byte of a snippet that reaches the end of the input.
      if (snippet.size() < kSnippetBytes && !snippet.empty()) snippet.remove_suffix(1);
      return "Router parser ERROR, state=" + std::to_string(detail.state) +
             ", i=" + std::to_string(detail.offset) + ": proto='" + GoQuote(snippet) + "...'";
    }
    default: {
      std::string text(ReaderOf(detail.kind));
      text += ' ';
      text += WordsOf(detail);
      text += ": ";
      return text + Quoted(detail, account);
    }
  }
}

}  // namespace martlet::proto
