// The rules by which secrets.cpp finds secrets: a new kind of secret is a new line here. Data only.
#pragma once
#include <cstdint>
#include <string_view>

namespace fairlead::core {

// --- tokens that begin with a known prefix, anywhere behind a character that is no letter and no digit
enum class Alphabet : std::uint8_t {
  alnum,    // A-Z a-z 0-9
  upper,    // A-Z 0-9
  word,     // alnum _
  url64,    // alnum _ -
  dotted,   // alnum _ - .
  path,     // alnum _ - /
  token68,  // alnum - . _ ~ + / = (RFC 9110 section 11.2)
};

struct TokenRule {
  std::string_view prefix;  // lower case where `any_case`
  Alphabet rest;
  std::uint8_t least;  // so many characters of `rest`, or it is something else; at most kTokenLook
  bool mixed = false;  // only with a digit or an inner capital: words may follow this prefix, too
  bool any_case = false;
};

inline constexpr std::size_t kTokenLook = 64;  // how far the decision may look

inline constexpr TokenRule kTokenRules[] = {
    // GitHub, GitLab
    {"ghp_", Alphabet::word, 16},
    {"gho_", Alphabet::word, 16},
    {"ghu_", Alphabet::word, 16},
    {"ghs_", Alphabet::word, 16},
    {"ghr_", Alphabet::word, 16},
    {"github_pat_", Alphabet::word, 16},
    {"glpat-", Alphabet::dotted, 16},
    {"gldt-", Alphabet::dotted, 16},
    {"glrt-", Alphabet::dotted, 16},
    {"glcbt-", Alphabet::dotted, 16},
    {"glptt-", Alphabet::dotted, 16},
    // Slack, Discord, Microsoft Teams, ntfy
    {"xoxa-", Alphabet::url64, 10},
    {"xoxb-", Alphabet::url64, 10},
    {"xoxe-", Alphabet::url64, 10},
    {"xoxp-", Alphabet::url64, 10},
    {"xoxr-", Alphabet::url64, 10},
    {"xoxs-", Alphabet::url64, 10},
    {"xapp-", Alphabet::url64, 10},
    {"hooks.slack.com/services/", Alphabet::path, 1},
    {"hooks.slack.com/workflows/", Alphabet::path, 1},
    {"hooks.slack.com/triggers/", Alphabet::path, 1},
    {"discord.com/api/webhooks/", Alphabet::path, 1},
    {"discordapp.com/api/webhooks/", Alphabet::path, 1},
    {"webhook.office.com/webhookb2/", Alphabet::token68, 1},
    {"tk_", Alphabet::alnum, 24},
    // clouds and services
    {"AKIA", Alphabet::upper, 16},
    {"ASIA", Alphabet::upper, 16},
    {"AIza", Alphabet::url64, 30},
    {"ya29.", Alphabet::url64, 16},
    {"sk-", Alphabet::url64, 16, true},
    {"sk_live_", Alphabet::word, 10},
    {"sk_test_", Alphabet::word, 10},
    {"rk_live_", Alphabet::word, 10},
    {"npm_", Alphabet::alnum, 30},
    {"pypi-", Alphabet::url64, 40, true},
    {"dop_v1_", Alphabet::alnum, 32},
    {"hvs.", Alphabet::url64, 20},
    {"tskey-", Alphabet::url64, 16},
    {"SG.", Alphabet::dotted, 40},
    {"AGE-SECRET-KEY-1", Alphabet::upper, 20},
    {"AGE-SECRET-KEY-PQ-1", Alphabet::upper, 20},
    // what follows the scheme of an HTTP authorization (RFC 6750, RFC 7617)
    {"bearer ", Alphabet::token68, 8, true, true},
    {"basic ", Alphabet::token68, 8, true, true},
};

// --- names, and what is assigned to them by `=`, `:` or an option's blank
enum class NameMatch : std::uint8_t {
  ending,     // of the name in lower case without `_ - .`: "dbPassword", "X-Api-Key"
  last_part,  // of several, parted by `_ - .`: "smtp_pass", but not "pass" or "bypass"
};

enum class Weight : std::uint8_t {
  strong,  // its value is taken whatever it looks like; as a line of YAML, to the end of the line
  weak,    // the word also stands in prose: `token: expired` stays, unless its name is quoted
  header,  // weak, and the value goes to the end of the line, but for a scheme in front
};

struct NameRule {
  std::string_view name;
  NameMatch match;
  Weight weight;
};

inline constexpr NameRule kNameRules[] = {
    {"password", NameMatch::ending, Weight::strong},   {"passwd", NameMatch::ending, Weight::strong},
    {"passphrase", NameMatch::ending, Weight::strong}, {"pass", NameMatch::last_part, Weight::strong},
    {"pwd", NameMatch::last_part, Weight::strong},  // alone it is the working directory
    {"apikey", NameMatch::ending, Weight::strong},     {"accesskey", NameMatch::ending, Weight::strong},
    {"secretkey", NameMatch::ending, Weight::strong},  {"privatekey", NameMatch::ending, Weight::strong},
    {"signingkey", NameMatch::ending, Weight::strong}, {"encryptionkey", NameMatch::ending, Weight::strong},
    {"authkey", NameMatch::ending, Weight::strong},    {"secret", NameMatch::ending, Weight::weak},
    {"token", NameMatch::ending, Weight::weak},        {"credential", NameMatch::ending, Weight::weak},
    {"credentials", NameMatch::ending, Weight::weak},  {"authorization", NameMatch::ending, Weight::header},
    {"cookie", NameMatch::ending, Weight::header},
};

// Schemes that stay readable in front of a header's value, in lower case.
inline constexpr std::string_view kSchemes[] = {"bearer", "basic",     "digest", "token",
                                                "apikey", "negotiate", "ntlm",   "hawk"};

// Values that are no secret, in lower case.
inline constexpr std::string_view kPlainValues[] = {"true", "false", "null", "none", "nil", "yes",
                                                    "no",   "on",    "off",  "***",  "~"};

// --- blocks of text between two marks; between begin and its own dashes stands a label with "PRIVATE KEY"
struct BlockRule {
  std::string_view begin, dashes, end;
};

inline constexpr BlockRule kBlockRules[] = {
    {"-----BEGIN ", "-----", "-----END "},  // PEM (RFC 7468), OpenSSH, PGP
    {"---- BEGIN ", " ----", "---- END "},  // SSH2 (as RFC 4716)
};

}  // namespace fairlead::core
