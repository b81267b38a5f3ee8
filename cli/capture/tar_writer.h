#ifndef CLI_CAPTURE_TAR_WRITER_H_
#define CLI_CAPTURE_TAR_WRITER_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace sasd::cli {

// Writes a .tar.gz (ustar with GNU's long names), entry by entry. Entries belong to root and are
// readable by all. Not thread-safe.
class TarWriter {
 public:
  // Creates the file, readable by its owner alone; replaces one that is there. Every entry has the
  // time `time`. Error: kFailedPrecondition if it cannot be created.
  static absl::StatusOr<std::unique_ptr<TarWriter>> Create(const std::string& path,
                                                           absl::Time time);
  // Deletes the file, unless Finish() succeeded.
  ~TarWriter();
  TarWriter(const TarWriter&) = delete;
  TarWriter& operator=(const TarWriter&) = delete;

  void AddFile(absl::string_view path, absl::string_view content);
  void AddLink(absl::string_view path, absl::string_view target);
  void AddFolder(absl::string_view path);

  // Writes the rest. Error: kFailedPrecondition if this or an earlier write failed.
  absl::Status Finish();

 private:
  TarWriter(std::string path, absl::Time time, void* gzip)
      : path_(std::move(path)), time_(time), gzip_(gzip) {}

  void Entry(char type, absl::string_view path, absl::string_view target,
             absl::string_view content);
  void Header(char type, absl::string_view path, absl::string_view target, size_t size);
  void Write(absl::string_view bytes);

  const std::string path_;
  const absl::Time time_;
  void* gzip_;  // gzFile; null after Finish()
  bool failed_ = false, finished_ = false;
};

}  // namespace sasd::cli

#endif  // CLI_CAPTURE_TAR_WRITER_H_
