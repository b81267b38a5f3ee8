// Feeds LLVMFuzzerTestOneInput the files named as arguments, every prefix of each, and seeded
// mutations of each: the same inputs on every run.

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

using Bytes = std::vector<uint8_t>;

constexpr size_t kMaxPrefixes = 4096;
constexpr int kMutations = 2000;

void Run(const Bytes& input) {
  // An exact copy on the heap, so that AddressSanitizer sees the first byte too many.
  Bytes copy(input.begin(), input.end());
  copy.shrink_to_fit();
  LLVMFuzzerTestOneInput(copy.data(), copy.size());
}

void RunPrefixes(const Bytes& input) {
  for (size_t length = 0; length < input.size() && length < kMaxPrefixes; ++length) {
    Run(Bytes(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(length)));
  }
}

void RunMutations(const Bytes& input, std::mt19937_64& random) {
  if (input.empty()) return;
  for (int i = 0; i < kMutations; ++i) {
    Bytes mutant = input;
    for (uint64_t changes = 1 + random() % 8; changes > 0; --changes) {
      uint8_t& byte = mutant[random() % mutant.size()];
      switch (random() % 3) {
        case 0:
          byte ^= static_cast<uint8_t>(1u << (random() % 8));
          break;
        case 1:
          byte = random() % 2 == 0 ? 0x00 : 0xff;
          break;
        default:
          byte = static_cast<uint8_t>(random());
      }
    }
    Run(mutant);
  }
}

void RunAll(const Bytes& input, std::mt19937_64& random) {
  Run(input);
  RunPrefixes(input);
  RunMutations(input, random);
}

}  // namespace

int main(int argc, char** argv) {
  std::mt19937_64 random(1);  // NOLINT: the same inputs on every run
  RunAll(Bytes(512, 0x00), random);
  RunAll(Bytes(512, 0xff), random);
  for (int i = 1; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    if (!file) {
      std::cerr << "cannot read " << argv[i] << "\n";
      return 1;
    }
    RunAll(Bytes(std::istreambuf_iterator<char>(file), {}), random);
  }
  std::cout << "ran " << argc - 1 << " corpus files\n";
  return 0;
}
