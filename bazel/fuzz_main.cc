// Replays inputs to LLVMFuzzerTestOneInput: RUNS CORPUS_FOLDER [CRASH_INPUT...]. Each file of the
// folder and each crash input is run as it is, then its prefixes and seeded mutations of it. All
// runs see the same inputs. RUNS is the approximate number of inputs in all. A folder without a
// file is an error.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <string>
#include <system_error>
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

// All prefixes, or `most` of them at equal distances.
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

// The files under `folder`, sorted by name; none if it cannot be read.
std::vector<std::string> FilesUnder(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, error)) {
    if (entry.is_regular_file()) files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: " << argv[0] << " RUNS CORPUS_FOLDER [CRASH_INPUT...]\n";
    return 2;
  }
  std::vector<std::string> files = FilesUnder(argv[2]);
  if (files.empty()) {
    std::cerr << "no input in the corpus " << argv[2] << "\n";
    return 1;
  }
  files.insert(files.end(), argv + 3, argv + argc);
  std::vector<Bytes> inputs = {Bytes(512, 0x00), Bytes(512, 0xff)};
  for (const std::string& name : files) {
    std::ifstream file(name, std::ios::binary);
    if (!file) {
      std::cerr << "cannot read " << name << "\n";
      return 1;
    }
    inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  std::mt19937_64 random(1);  // NOLINT: the same inputs on every run
  const size_t runs = std::stoul(argv[1]) / inputs.size();
  for (const Bytes& input : inputs) RunAll(input, runs, random);
  std::cout << "replayed " << files.size() - static_cast<size_t>(argc - 3) << " corpus inputs and "
            << argc - 3 << " crash inputs\n";
  return 0;
}
