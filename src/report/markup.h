// HTML text: escaping and tables.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace martlet::report {

/// `text` for element content and quoted attributes. Control characters other than tab and line
/// feed, and bytes that are no UTF-8, become U+FFFD.
std::string Escape(std::string_view text);

/// "<tag>escaped text</tag>", with a class where one is given.
std::string Element(std::string_view tag, std::string_view text, std::string_view css_class = "");

/// "<tag class="...">html</tag>": `html` is taken as it is.
std::string Wrap(std::string_view tag, std::string_view html, std::string_view css_class = "");

/// One table in a box that scrolls sideways where the page is too narrow for it. Cells are text and
/// are escaped; the first column names the row, the others are numbers, aligned to the right.
class Table {
 public:
  explicit Table(std::string_view caption) : caption_(caption) {}

  /// `text_columns`: how many at the end hold text and are aligned to the left.
  void Head(const std::vector<std::string>& cells, size_t text_columns = 0);
  void Row(const std::vector<std::string>& cells);
  std::string Html() const;

 private:
  std::string caption_;
  std::string head_;
  std::string rows_;
  size_t columns_ = 0;
  size_t text_columns_ = 0;
};

/// Names and values as a description list; line feeds in values are kept.
std::string RowsHtml(const std::vector<std::pair<std::string, std::string>>& rows);

/// A list of messages in a box; `kind` is "warning" or "fault". Empty for none.
std::string Notes(const std::vector<std::string>& texts, std::string_view kind);

}  // namespace martlet::report
