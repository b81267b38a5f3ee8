#include "cli/capture/disguise.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace sasd::cli {
namespace {

constexpr size_t kInquirySize = 36, kPageHeader = 4, kShortestWord = 4;

bool IsHex(char c) { return absl::ascii_isxdigit(static_cast<unsigned char>(c)); }
bool IsWord(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)); }

std::string FileName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// A number that fills `digits` hexadecimal digits.
std::string Numbered(size_t number, int digits) { return absl::StrFormat("%0*x", digits, number); }

}  // namespace

void Disguise::Learn(absl::string_view word) {
  const std::string text(absl::StripAsciiWhitespace(word));
  if (text.empty() || words_.count(text) != 0) return;
  const std::string number = absl::StrCat(words_.size() + 1);
  std::string other(text.size(), '0');
  if (number.size() < text.size()) other[0] = 'S';
  const size_t shown = std::min(number.size(), other.size());
  other.replace(other.size() - shown, shown, number.substr(number.size() - shown));
  words_[text] = other;
  NoteOdd(text);
}

void Disguise::NoteOdd(const std::string& word) {
  if (word.size() >= kShortestWord && !std::all_of(word.begin(), word.end(), IsWord)) {
    odd_words_.push_back(word);
  }
}

std::string Disguise::Serial(const std::string& serial) {
  Learn(serial);
  const std::string text(absl::StripAsciiWhitespace(serial));
  if (text.empty()) return serial;
  const size_t at = serial.find(text);
  return absl::StrCat(serial.substr(0, at), words_.at(text), serial.substr(at + text.size()));
}

void Disguise::LearnJson(absl::string_view json) {
  for (const absl::string_view field : {"\"serial\":", "\"serialNumber\":", "\"serial_number\":"}) {
    for (size_t at = json.find(field); at != absl::string_view::npos; at = json.find(field, at)) {
      at += field.size();
      const size_t begin = json.find('"', at);
      if (begin == absl::string_view::npos) break;
      const size_t end = json.find('"', begin + 1);
      if (end == absl::string_view::npos) break;
      Learn(json.substr(begin + 1, end - begin - 1));
      at = end;
    }
  }
}

void Disguise::LearnNode(absl::string_view name) {
  if (name.empty() || !words_.emplace(name, "node").second) return;
  NoteOdd(std::string(name));
}

// 16 digits: an NAA 2, 3 or 5 name, or an EUI-64. 32 digits: an NAA 6 name, whose first half goes
// on as a name of 16 digits would.
std::string Disguise::WorldWideName(absl::string_view digits) {
  std::string text = absl::AsciiStrToLower(digits);
  // NAA 6 of a drive with several units is made of its NAA 5 name (UnitNaa() of the emulator).
  const char naa = text[0];
  if (text.size() == 32) text[0] = '5';
  // NAA and OUI (7 digits), then what distinguishes it from others of the vendor, then the low 8
  // bits.
  const std::string block = text.substr(0, 14);
  const auto [known, added] = blocks_.try_emplace(block);
  if (added) known->second = absl::StrCat(text.substr(0, 7), Numbered(blocks_.size(), 7));
  std::string name = absl::StrCat(known->second, text.substr(14, 2));
  if (text.size() == 16) return name;
  name[0] = naa;
  const std::string tail = text.substr(16);
  // The LUN stays: "0001000000000000".
  if (tail.substr(4) == "000000000000") return absl::StrCat(name, tail);
  const auto [known_tail, new_tail] = tails_.try_emplace(tail);
  if (new_tail) known_tail->second = Numbered(tails_.size(), 16);
  return absl::StrCat(name, known_tail->second);
}

// The learned word that stands there as a whole.
const std::string* Disguise::WordAt(absl::string_view text, size_t at) const {
  for (const std::string& word : odd_words_) {
    const size_t end = at + word.size();
    if (!absl::StartsWith(text.substr(at), word)) continue;
    if (end == text.size() || !IsWord(text[end])) return &word;
  }
  size_t end = at;
  while (end < text.size() && IsWord(text[end])) ++end;
  if (end - at < kShortestWord) return nullptr;
  const auto found = words_.find(std::string(text.substr(at, end - at)));
  return found == words_.end() ? nullptr : &found->first;
}

std::string Disguise::Text(absl::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const bool at_word = at == 0 || !IsWord(text[at - 1]);
    // Names first: "0x" and "naa." may stand before them.
    const bool prefixed = at >= 2 && text.substr(at - 2, 2) == "0x";
    if ((at_word || prefixed) && IsHex(text[at])) {
      size_t end = at;
      while (end < text.size() && IsHex(text[end])) ++end;
      const size_t size = end - at;
      const bool whole = end == text.size() || !IsWord(text[end]);
      const absl::string_view digits = text.substr(at, size);
      const bool zero = digits.find_first_not_of('0') == absl::string_view::npos;
      const bool name =
          whole && !zero &&
          ((size == 16 && digits.find_first_not_of("0123456789") != absl::string_view::npos) ||
           (size == 16 && absl::StrContains("235", digits.substr(0, 1))) ||
           (size == 32 && digits[0] == '6'));
      if (name) {
        absl::StrAppend(&out, WorldWideName(digits));
        at = end;
        continue;
      }
    }
    const std::string* const word = at_word ? WordAt(text, at) : nullptr;
    if (word != nullptr) {
      absl::StrAppend(&out, words_.at(*word));
      at += word->size();
    } else {
      out.push_back(text[at++]);
    }
  }
  return out;
}

std::string Disguise::Page80(const std::string& page) {
  if (page.size() <= kPageHeader) return page;
  return absl::StrCat(page.substr(0, kPageHeader), Serial(page.substr(kPageHeader)));
}

// SPC, device identification: a header of 4 bytes, then designators with one each. A designator
// that is text stays where its names can be replaced; others of unknown kinds are left out.
std::string Disguise::Page83(const std::string& page) {
  if (page.size() < kPageHeader) return page;
  std::string body;
  for (size_t at = kPageHeader; at + kPageHeader <= page.size();) {
    const size_t size = static_cast<uint8_t>(page[at + 3]);
    if (at + kPageHeader + size > page.size()) break;
    const std::string header = page.substr(at, kPageHeader);
    std::string value = page.substr(at + kPageHeader, size);
    at += kPageHeader + size;
    const int code_set = header[0] & 0xF, type = header[1] & 0xF;
    const bool binary = code_set == 1;
    if (binary && (type == 2 || type == 3) && (size == 8 || size == 16)) {
      value = absl::HexStringToBytes(WorldWideName(absl::BytesToHexString(value)));
    } else if (!binary && type == 8) {
      const std::string other = Text(value);  // "naa.5000c500a7b26111"
      if (other.size() != size) continue;
      value = other;
    } else if (!binary) {
      const std::string other = Text(value);
      if (other == value || other.size() != size) continue;
      value = other;
    } else if (type != 4 && type != 5 && type != 6) {  // numbers of ports and groups
      continue;
    }
    absl::StrAppend(&body, header, value);
  }
  std::string out = page.substr(0, 2);
  out.push_back(static_cast<char>(body.size() >> 8));
  out.push_back(static_cast<char>(body.size() & 0xFF));
  return out + body;
}

void Disguise::Apply(SysfsCopy& copy) {
  for (const CopiedEntry& entry : copy.entries) {
    if (entry.kind == CopiedEntry::Kind::kFile && FileName(entry.path) == "vpd_pg80" &&
        entry.content.size() > kPageHeader) {
      Learn(absl::string_view(entry.content).substr(kPageHeader));
    }
  }
  for (CopiedEntry& entry : copy.entries) {
    const std::string name = FileName(entry.path);
    // Some enclosures name their slots after the drives: "Drive Slot #24_5000CCA26128B1F5".
    entry.path = Text(entry.path);
    if (entry.kind == CopiedEntry::Kind::kLink) entry.content = Text(entry.content);
    if (entry.kind != CopiedEntry::Kind::kFile) continue;
    if (name == "vpd_pg80") {
      entry.content = Page80(entry.content);
    } else if (name == "vpd_pg83") {
      entry.content = Page83(entry.content);
    } else if (name == "inquiry") {
      entry.content = entry.content.substr(0, kInquirySize);
    } else if (name == "unique_id") {  // 32 digits of a logical unit
      const std::string text(absl::StripAsciiWhitespace(entry.content));
      const auto [known, added] = tails_.try_emplace(absl::AsciiStrToLower(text));
      if (added) known->second = Numbered(tails_.size(), 32);
      entry.content = absl::StrCat(known->second, "\n");
    } else if (absl::EndsWith(entry.path, "/dm/name") || absl::EndsWith(entry.path, "/dm/uuid")) {
      // "LVM-", "mpath-", "CRYPT-" say what it is.
      const size_t dash = name == "uuid" ? entry.content.find('-') : std::string::npos;
      const std::string kind = dash == std::string::npos ? "" : entry.content.substr(0, dash + 1);
      const auto [known, added] = mappers_.try_emplace(entry.content);
      if (added) known->second = absl::StrCat(kind, "device", mappers_.size(), "\n");
      entry.content = known->second;
    } else {
      entry.content = Text(entry.content);
    }
  }
}

}  // namespace sasd::cli
