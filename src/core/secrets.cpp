#include "core/secrets.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>

#include "base/text.hpp"
#include "core/secret_names.hpp"
#include "core/secret_rules.hpp"

namespace fairlead::core {

namespace {

constexpr std::size_t kNowhere = std::string_view::npos;
constexpr std::size_t kLabelLook = 64;

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_capital(char c) {
  return c >= 'A' && c <= 'Z';
}
constexpr bool is_letter(char c) {
  return is_capital(c) || (c >= 'a' && c <= 'z');
}
constexpr bool is_alnum(char c) {
  return is_letter(c) || is_digit(c);
}
constexpr bool is_blank(char c) {
  return c == ' ' || c == '\t';
}
constexpr bool is_line_end(char c) {
  return c == '\n' || c == '\r';
}
constexpr bool is_space(char c) {
  return is_blank(c) || is_line_end(c) || c == '\v' || c == '\f';
}
constexpr bool is_quote(char c) {
  return c == '"' || c == '\'';
}
constexpr bool is_name_char(char c) {
  return is_alnum(c) || c == '_' || c == '-' || c == '.';
}
// Neither blank nor punctuation: any byte of a character beyond ASCII counts.
constexpr bool is_telling(char c) {
  return is_alnum(c) || (c & 0x80) != 0;
}
constexpr char lower(char c) {
  return is_capital(c) ? static_cast<char>(c - 'A' + 'a') : c;
}

constexpr bool is_in(Alphabet alphabet, char c) {
  switch (alphabet) {
    case Alphabet::alnum:
      return is_alnum(c);
    case Alphabet::upper:
      return is_capital(c) || is_digit(c);
    case Alphabet::word:
      return is_alnum(c) || c == '_';
    case Alphabet::url64:
      return is_alnum(c) || c == '_' || c == '-';
    case Alphabet::dotted:
      return is_name_char(c);
    case Alphabet::path:
      return is_alnum(c) || c == '_' || c == '-' || c == '/';
    case Alphabet::token68:
      return is_name_char(c) || c == '~' || c == '+' || c == '/' || c == '=';
  }
  return false;
}

// Whether a token may begin with this character: almost all of a text is passed over by this alone.
constexpr auto kBeginsToken = [] {
  std::array<bool, 256> begins{};
  for (const auto& rule : kTokenRules) {
    const char first = rule.prefix.front();
    begins[static_cast<unsigned char>(first)] = true;
    if (rule.any_case) begins[static_cast<unsigned char>(first - 'a' + 'A')] = true;
  }
  begins[static_cast<unsigned char>('e')] = true;  // a JWT
  return begins;
}();

// What cannot stand in the authority of a URL (RFC 3986 section 3.2), or ends the URL in a text.
constexpr auto kEndsAuthority = [] {
  std::array<bool, 256> ends{};
  for (const char c : std::string_view("/?#<>\\\"' \t\n\r\v\f")) ends[static_cast<unsigned char>(c)] = true;
  return ends;
}();

// A digit, or a capital behind a small letter: not how words are written.
bool is_mixed(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i)
    if (is_digit(text[i]) ||
        (i > 0 && is_capital(text[i]) && !is_capital(text[i - 1]) && is_letter(text[i - 1])))
      return true;
  return false;
}

// A word as prose has it: letters, and punctuation behind them.
bool is_prose(std::string_view word) {
  const auto end = std::find_if_not(word.begin(), word.end(), is_letter);
  return std::all_of(end, word.end(), [](char c) { return std::string_view(".,;:!?)").find(c) != kNowhere; });
}

// One pass. Decisions look back at what was put out, never at what it was made from, and forward only at what
// is then taken or stays as it is: so a second pass decides the same.
class Scan {
 public:
  explicit Scan(std::string_view text) : in_(text) {}

  std::string run() {
    out_.reserve(in_.size() + kRedacted.size());
    while (at_ < in_.size())
      if (!take()) put(1);
    return std::move(out_);
  }

 private:
  struct Name {
    const NameRule* rule = nullptr;
    bool quoted = false;      // JSON's form
    bool first = false;       // on its line
    char opened_by = 0;       // a quote right before it, that stands around name and value
    std::string_view dashes;  // in front of it
  };

  char peek(std::size_t ahead = 0) const { return at_ + ahead < in_.size() ? in_[at_ + ahead] : '\0'; }
  std::string_view rest() const { return in_.substr(at_); }

  // Puts out the next `count` bytes as they are.
  void put(std::size_t count) {
    for (const char c : in_.substr(at_, count)) {
      out_ += c;
      if (c == ':' && authority_ != kNowhere && colon_ == kNowhere) colon_ = out_.size() - 1;
      if (c == '/' && out_.ends_with("://")) {
        authority_ = out_.size();
        colon_ = kNowhere;
      } else if (kEndsAuthority[static_cast<unsigned char>(c)]) {
        authority_ = kNowhere;
      }
    }
    at_ += count;
  }

  void redact(std::size_t count) {
    out_ += kRedacted;
    at_ += count;
  }

  bool take() {
    const char c = in_[at_];
    if (kBeginsToken[static_cast<unsigned char>(c)] && (out_.empty() || !is_alnum(out_.back()))) {
      if (take_token()) return true;
    } else if (c == '-') {
      return take_block();
    } else if (c == '=' || c == ':') {
      return take_assignment();
    } else if (c == ' ') {
      return take_option();
    } else if (c == '@') {
      hide_password();
    }
    return false;
  }

  // --- tokens
  bool take_token() {
    const char first = lower(peek());
    for (const auto& rule : kTokenRules)
      if (lower(rule.prefix.front()) == first && has_prefix(rule) && take_token(rule)) return true;
    return take_jwt();
  }

  bool has_prefix(const TokenRule& rule) const {
    const auto text = in_.substr(at_, rule.prefix.size());
    if (!rule.any_case) return text == rule.prefix;
    return std::equal(text.begin(), text.end(), rule.prefix.begin(), rule.prefix.end(),
                      [](char a, char b) { return lower(a) == b; });
  }

  bool take_token(const TokenRule& rule) {
    const auto from = at_ + rule.prefix.size();
    const auto look = run_of(rule.rest, from, std::min(in_.size(), from + kTokenLook));
    if (look < rule.least || (rule.mixed && !is_mixed(in_.substr(from, look)))) return false;
    put(rule.prefix.size());
    redact(run_of(rule.rest, from, in_.size()));
    return true;
  }

  std::size_t run_of(Alphabet alphabet, std::size_t from, std::size_t to) const {
    std::size_t end = from;
    while (end < to && is_in(alphabet, in_[end])) ++end;
    return end - std::min(from, end);
  }

  // RFC 7519: two or three parts in base64url, parted by dots; the first is an object: {" is eyJ.
  bool take_jwt() {
    if (!rest().starts_with("eyJ") || at_ < no_jwt_before_) return false;
    const auto head = run_of(Alphabet::url64, at_, in_.size());
    const auto dot = at_ + head;
    if (head < 10 || dot == in_.size() || in_[dot] != '.' ||
        run_of(Alphabet::url64, dot + 1, std::min(in_.size(), dot + 9)) < 8) {
      no_jwt_before_ = dot;  // or a text of `eyJ-eyJ-…` would be read once for each
      return false;
    }
    const auto whole = run_of(Alphabet::dotted, at_, in_.size());
    put(3);
    redact(whole - 3);
    return true;
  }

  // --- private keys
  bool take_block() {
    for (std::size_t i = 0; i < std::size(kBlockRules); ++i) {
      const auto& rule = kBlockRules[i];
      if (!rest().starts_with(rule.begin)) continue;
      const auto label = in_.substr(at_ + rule.begin.size(), kLabelLook);
      std::size_t close = 0;
      while (close < label.size() &&
             (is_capital(label[close]) || is_digit(label[close]) || label[close] == ' '))
        ++close;
      close -= rule.dashes.front() == ' ' && close > 0 ? 1 : 0;
      if (!label.substr(close).starts_with(rule.dashes) ||
          label.substr(0, close).find("PRIVATE KEY") == kNowhere)
        continue;
      put(rule.begin.size() + close + rule.dashes.size());
      redact(block_length(rule, no_end_[i]));
      return true;
    }
    return false;
  }

  // Up to the mark of its end; where that was cut off, as far as it looks like what stands in such a block.
  std::size_t block_length(const BlockRule& rule, bool& no_end) const {
    const auto end = no_end ? kNowhere : in_.find(rule.end, at_);
    if (end != kNowhere) return end - at_;
    no_end = true;
    std::size_t length = rest().starts_with(kRedacted) ? kRedacted.size() : 0;
    while (at_ + length < in_.size() && (is_in(Alphabet::token68, peek(length)) || is_space(peek(length)) ||
                                         std::string_view("\\:,").find(peek(length)) != kNowhere))
      ++length;
    return length;
  }

  // --- scheme://user:password@host. Called before the `@` is put out.
  void hide_password() {
    if (authority_ == kNowhere) return;
    if (colon_ != kNowhere) {
      if (out_.size() == colon_ + 1) return;
      out_.resize(colon_ + 1);
      out_ += kRedacted;
    } else if (out_.size() - authority_ >= 20 &&
               is_mixed(std::string_view(out_).substr(authority_, kTokenLook))) {
      out_.resize(authority_);  // a token in the user's place
      out_ += kRedacted;
    }
  }

  // --- name = value
  Name name_before(bool option) const {
    Name name;
    std::size_t end = out_.size();
    bool bracket = false;
    if (!option) {
      while (end > 0 && is_blank(out_[end - 1])) --end;
      for (int i = 0; i < 8 && end > 0 && std::string_view("]\"'\\").find(out_[end - 1]) != kNowhere; ++i) {
        --end;
        bracket = bracket || out_[end] == ']';
        name.quoted = name.quoted || is_quote(out_[end]);
      }
    }
    std::size_t begin = end;
    while (begin > 0 && end - begin < kNameLook && is_name_char(out_[begin - 1])) --begin;
    const auto text = std::string_view(out_).substr(begin, end - begin);
    if (text.empty()) return name;
    name.rule = name_rule(text);
    name.dashes = text.substr(0, std::min(text.find_first_not_of('-'), text.size()));
    if (bracket) name.quoted = false;
    if (begin > 0 && is_quote(out_[begin - 1])) name.opened_by = out_[begin - 1];
    while (begin > 0 && end - begin < 2 * kNameLook && (is_blank(out_[begin - 1]) || out_[begin - 1] == '-'))
      --begin;
    name.first = !name.quoted && (begin == 0 || is_line_end(out_[begin - 1]));
    return name;
  }

  bool take_assignment() {
    const char separator = peek();
    const char next = peek(1);
    std::size_t length = 1;
    if (separator == '=' && next == '=') return false;
    if (separator == ':' && (next == ':' || (next == '/' && peek(2) == '/'))) return false;
    if (separator == ':' && authority_ != kNowhere && colon_ == kNowhere) return false;  // a user, or a host
    if ((separator == '=' && next == '>') || (separator == ':' && next == '=')) length = 2;
    const Name name = name_before(false);
    if (name.rule == nullptr) return false;
    while (is_blank(peek(length))) ++length;
    return take_value(name, length, separator == ':' && next != '=');
  }

  bool take_option() {
    if (out_.empty() || !is_alnum(out_.back())) return false;
    const Name name = name_before(true);
    if (name.rule == nullptr || name.dashes.size() != 2) return false;
    std::size_t length = 1;
    while (is_blank(peek(length))) ++length;
    if (peek(length) == '-' || peek(length) == '=' || peek(length) == ':') return false;
    return take_value(name, length, false);
  }

  // `skip` bytes lead to the value. True: they were put out and the value was redacted.
  bool take_value(const Name& name, std::size_t skip, bool colon) {
    std::size_t from = at_ + skip;
    std::size_t slashes = 0;  // quotes inside JSON inside JSON come with backslashes
    while (from + slashes < in_.size() && in_[from + slashes] == '\\') ++slashes;
    const char quote = from + slashes < in_.size() ? in_[from + slashes] : '\0';
    const bool in_quotes = is_quote(quote);
    if (in_quotes) from += slashes + 1;
    const auto scheme = scheme_length(from);
    from += scheme;
    const bool header = name.rule->weight == Weight::header && scheme > 0;
    const bool readable =
        !header && !in_quotes && !name.quoted && !name.first && colon && is_prose(word_at(from));
    // Decided before the end is looked for: a text of `cookie: a cookie: a …` would be read once for each.
    if (readable && name.rule->weight != Weight::strong) return false;
    const auto end = in_quotes ? end_of_quoted(from, quote, slashes) : end_of_bare(name, from, colon);
    const auto value = in_.substr(from, end - from);
    if (value.empty() || is_plain_value(value)) return false;
    if (name.rule->weight == Weight::weak && !in_quotes &&
        std::none_of(value.begin(), value.end(), is_telling))
      return false;
    put(from - at_);
    redact(value.size());
    return true;
  }

  std::size_t end_of_quoted(std::size_t from, char quote, std::size_t slashes) const {
    std::size_t before = 0;  // backslashes
    for (std::size_t i = from; i < in_.size(); ++i) {
      if (is_line_end(in_[i])) return i;
      if (in_[i] == quote && slashes == 0 && before % 2 == 0) return i;
      if (in_[i] == quote && slashes > 0 && before <= slashes) return i - before;
      before = in_[i] == '\\' ? before + 1 : 0;
    }
    return in_.size();
  }

  std::size_t end_of_bare(const Name& name, std::size_t from, bool colon) const {
    const auto& rule = *name.rule;
    const bool header = rule.weight == Weight::header && !name.quoted;
    const bool to_line_end = header || (colon && name.first && rule.weight == Weight::strong);
    const auto ends = [&](char c) {
      if (is_line_end(c)) return true;
      if (to_line_end) return header && name.opened_by != 0 && c == name.opened_by;
      if (is_space(c)) return true;
      if (name.quoted) return is_quote(c) || c == ',' || c == '}' || c == ']';
      return !name.first && (is_quote(c) || c == '&');
    };
    std::size_t end = from;
    if (in_.substr(end).starts_with(kRedacted)) end += kRedacted.size();
    while (end < in_.size() && !ends(in_[end])) ++end;
    // What escapes the quote behind the value belongs to the quote; blanks at the end of a line to nobody.
    if (end < in_.size() && is_quote(in_[end]))
      while (end > from && in_[end - 1] == '\\') --end;
    while (end > from && is_blank(in_[end - 1])) --end;
    return end;
  }

  std::string_view word_at(std::size_t from) const {
    std::size_t end = from;
    while (end < in_.size() && !is_space(in_[end]) && !is_quote(in_[end])) ++end;
    return in_.substr(from, end - from);
  }

  // Of a known scheme of an HTTP authorization and the blanks behind it, or 0.
  std::size_t scheme_length(std::size_t from) const {
    std::size_t length = 0;
    while (from + length < in_.size() && length < 16 && is_letter(in_[from + length])) ++length;
    const auto scheme = base::lower(in_.substr(from, length));
    if (std::find(std::begin(kSchemes), std::end(kSchemes), scheme) == std::end(kSchemes)) return 0;
    const auto word = length;
    while (from + length < in_.size() && is_blank(in_[from + length])) ++length;
    return length == word ? 0 : length;
  }

  const std::string_view in_;
  std::string out_;
  std::size_t at_ = 0;
  std::size_t authority_ = kNowhere;  // of the URL under way: where in out_ it begins
  std::size_t colon_ = kNowhere;      // the first one in it
  std::size_t no_jwt_before_ = 0;
  bool no_end_[std::size(kBlockRules)] = {};
};

}  // namespace

std::string redact(std::string_view text) {
  return Scan(text).run();
}

}  // namespace fairlead::core
