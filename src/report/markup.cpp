#include "report/markup.h"

#include "base/go_text.h"

namespace martlet::report {
namespace {

std::string_view Entity(uint32_t code) {
  switch (code) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    default:
      return {};
  }
}

std::string Opening(std::string_view tag, std::string_view css_class) {
  std::string out = "<" + std::string(tag);
  if (!css_class.empty()) out += " class=\"" + Escape(css_class) + "\"";
  return out + ">";
}

}  // namespace

std::string Escape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const base::Rune rune = base::DecodeRune(text);
    const bool blank = rune.code == '\n' || rune.code == '\t';
    const bool control = (rune.code < 0x20 && !blank) || (rune.code >= 0x7F && rune.code < 0xA0);
    if (const std::string_view entity = Entity(rune.code); !entity.empty()) {
      out += entity;
    } else {
      base::AppendUtf8(control ? base::kBadRune : rune.code, out);
    }
    text.remove_prefix(rune.bytes);
  }
  return out;
}

std::string Element(std::string_view tag, std::string_view text, std::string_view css_class) {
  return Wrap(tag, Escape(text), css_class);
}

std::string Wrap(std::string_view tag, std::string_view html, std::string_view css_class) {
  return Opening(tag, css_class) + std::string(html) + "</" + std::string(tag) + ">";
}

void Table::Head(const std::vector<std::string>& cells, size_t text_columns) {
  columns_ = cells.size();
  text_columns_ = text_columns;
  head_.clear();
  for (size_t i = 0; i < cells.size(); ++i) {
    const bool text = i == 0 || i + text_columns_ >= columns_;
    head_ += std::string("<th scope=\"col\"") + (text ? " class=\"text\">" : ">");
    head_ += Escape(cells[i]) + "</th>";
  }
}

void Table::Row(const std::vector<std::string>& cells) {
  rows_ += "<tr>";
  for (size_t i = 0; i < cells.size(); ++i) {
    if (i == 0) {
      rows_ += "<th scope=\"row\">" + Escape(cells[i]) + "</th>";
    } else {
      rows_ += Element("td", cells[i], i + text_columns_ >= columns_ ? "text" : "");
    }
  }
  rows_ += "</tr>\n";
}

std::string Table::Html() const {
  return "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"" + Escape(caption_) +
         "\"><table>" + Element("caption", caption_) + "<thead><tr>" + head_ +
         "</tr></thead>\n<tbody>" + rows_ + "</tbody></table></div>\n";
}

std::string RowsHtml(const std::vector<std::pair<std::string, std::string>>& rows) {
  if (rows.empty()) return {};
  std::string out;
  for (const auto& [name, value] : rows) {
    out += "<div>" + Element("dt", name) + Element("dd", value) + "</div>\n";
  }
  return Wrap("dl", out, "facts") + "\n";
}

std::string Notes(const std::vector<std::string>& texts, std::string_view kind) {
  if (texts.empty()) return {};
  std::string out;
  for (const std::string& text : texts) {
    const std::string name = kind == "fault" ? "Failed: " : "Warning: ";
    out += Wrap("li", Element("strong", name) + Escape(text));
  }
  return Wrap("ul", out, "notes " + std::string(kind)) + "\n";
}

}  // namespace martlet::report
