#include "cli/capture/tar_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace sasd::cli {
namespace {

constexpr size_t kBlock = 512, kNameSize = 100;

gzFile Gzip(void* gzip) { return static_cast<gzFile>(gzip); }

}  // namespace

absl::StatusOr<std::unique_ptr<TarWriter>> TarWriter::Create(const std::string& path,
                                                             absl::Time time) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot write ", path, ": ", strerror(errno)));
  }
  const gzFile gzip = gzdopen(file, "wb");
  if (gzip == nullptr) {
    close(file);
    return absl::ResourceExhaustedError("no memory to compress");
  }
  return std::unique_ptr<TarWriter>(new TarWriter(path, time, gzip));
}

TarWriter::~TarWriter() {
  if (gzip_ != nullptr) gzclose(Gzip(gzip_));
  if (!finished_) unlink(path_.c_str());
}

void TarWriter::AddFile(absl::string_view path, absl::string_view content) {
  Entry('0', path, "", content);
}

void TarWriter::AddLink(absl::string_view path, absl::string_view target) {
  Entry('2', path, target, "");
}

void TarWriter::AddFolder(absl::string_view path) { Entry('5', absl::StrCat(path, "/"), "", ""); }

absl::Status TarWriter::Finish() {
  Write(std::string(2 * kBlock, '\0'));
  const bool closed = gzclose(Gzip(gzip_)) == Z_OK;
  gzip_ = nullptr;
  if (failed_ || !closed) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot write ", path_, ": ", errno == 0 ? "it failed" : strerror(errno)));
  }
  finished_ = true;
  return absl::OkStatus();
}

void TarWriter::Entry(char type, absl::string_view path, absl::string_view target,
                      absl::string_view content) {
  // A long name comes before its entry, as the content of one.
  for (const auto& [kind, text] : {std::make_pair('L', path), std::make_pair('K', target)}) {
    if (text.size() < kNameSize) continue;
    Header(kind, "././@LongLink", "", text.size() + 1);
    Write(text);
    Write(std::string(kBlock - text.size() % kBlock, '\0'));
  }
  Header(type, path.substr(0, kNameSize - 1), target.substr(0, kNameSize - 1), content.size());
  Write(content);
  if (content.size() % kBlock != 0) Write(std::string(kBlock - content.size() % kBlock, '\0'));
}

void TarWriter::Header(char type, absl::string_view path, absl::string_view target, size_t size) {
  std::array<char, kBlock> block = {};
  const auto put = [&block](size_t at, absl::string_view text) {
    std::copy(text.begin(), text.end(), block.begin() + static_cast<std::ptrdiff_t>(at));
  };
  put(0, path);
  put(100, type == '2' ? "0000777" : type == '5' ? "0000755" : "0000644");
  put(108, "0000000");
  put(116, "0000000");
  put(124, absl::StrFormat("%011o", size));
  put(136, absl::StrFormat("%011o", absl::ToUnixSeconds(time_)));
  put(148, "        ");  // the checksum counts as blanks
  block[156] = type;
  put(157, target);
  put(257, "ustar  ");
  put(265, "root");
  put(297, "root");
  uint32_t sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  put(148, absl::StrFormat("%06o", sum));
  block[154] = '\0';
  Write(absl::string_view(block.data(), block.size()));
}

void TarWriter::Write(absl::string_view bytes) {
  while (!bytes.empty() && !failed_) {
    const size_t most = std::min<size_t>(bytes.size(), 1 << 20);
    failed_ =
        gzwrite(Gzip(gzip_), bytes.data(), static_cast<unsigned>(most)) != static_cast<int>(most);
    bytes.remove_prefix(most);
  }
}

}  // namespace sasd::cli
