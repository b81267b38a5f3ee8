// Feeds LLVMFuzzerTestOneInput the files named as arguments, each cut short, and seeded mutations
// of each: the same inputs on every run. The first argument is about how many inputs to make in
// all.

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

using Bytes = std::vector<uint8_t>;

void Run(const Bytes& input) {
  // An exact copy on the heap, so that AddressSanitizer sees the first byte too many.
  Bytes copy(input.begin(), input.end());
  copy.shrink_to_fit();
  LLVMFuzzerTestOneInput(copy.data(), copy.size());
}

// All prefixes, or as many of equal distance as there may be.
void RunPrefixes(const Bytes& input, size_t most) {
  const size_t step = 1 + input.size() / (most + 1);
  for (size_t length = 0; length < input.size(); length += step) {
    Run(Bytes(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(length)));
  }
}

void RunMutations(const Bytes& input, size_t count, std::mt19937_64& random) {
  if (input.empty()) return;
  for (size_t i = 0; i < count; ++i) {
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

void RunAll(const Bytes& input, size_t runs, std::mt19937_64& random) {
  Run(input);
  RunPrefixes(input, runs / 2);
  RunMutations(input, runs / 2, random);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "give a number of runs and the corpus' files\n";
    return 2;
  }
  std::mt19937_64 random(1);  // NOLINT: the same inputs on every run
  std::vector<Bytes> corpus = {Bytes(512, 0x00), Bytes(512, 0xff)};
  for (int i = 2; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    if (!file) {
      std::cerr << "cannot read " << argv[i] << "\n";
      return 1;
    }
    corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  const size_t runs = std::stoul(argv[1]) / corpus.size();
  for (const Bytes& input : corpus) RunAll(input, runs, random);
  std::cout << "ran " << argc - 2 << " corpus files\n";
  return 0;
}
