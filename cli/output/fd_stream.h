#ifndef CLI_OUTPUT_FD_STREAM_H_
#define CLI_OUTPUT_FD_STREAM_H_

#include <array>
#include <ostream>
#include <streambuf>

namespace sasd::cli {

// Writes to a file descriptor, and remembers why a write failed. A failed one is not repeated: the
// stream stays bad. Does not own the descriptor.
class FdStreambuf : public std::streambuf {
 public:
  explicit FdStreambuf(int fd);
  // errno of the first write that failed; 0 for none.
  int error() const { return error_; }

 protected:
  int_type overflow(int_type c) override;
  int sync() override;

 private:
  const int fd_;
  int error_ = 0;
  std::array<char, 1 << 16> buffer_;
};

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_FD_STREAM_H_
