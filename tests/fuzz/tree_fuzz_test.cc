// A sysfs tree with any contents: that of a small machine, with the changes of the input. The tree
// can be read, a second reading shows no difference, and every key occurs once.
//
// An input is lines. "PATH=TEXT" writes a file or link, "PATH>NAME" renames it, "PATH-" removes it.
// A PATH stands for every path that ends with it.
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "driver/base/fake_clock.h"
#include "driver/sysfs/controlled_hosts.h"
#include "driver/sysfs/fake_machine.h"
#include "driver/sysfs/fake_sysfs.h"
#include "driver/sysfs/file_io.h"
#include "driver/sysfs/sysfs_source.h"
#include "tests/fuzz/properties.h"

namespace sasd::sysfs {
namespace {

namespace fs = std::filesystem;
using fuzz::Check;

struct Node {
  enum class Kind : uint8_t { kFolder, kFile, kLink };
  Kind kind = Kind::kFolder;
  std::string text;                  // a file's content, a link's target
  std::map<std::string, int> names;  // of a folder: name -> index in the tree
};

// A tree in memory; node 0 is the root. The functions of FileIo are thread-safe, the others
// thread-compatible.
class Tree : public FileIo {
 public:
  explicit Tree(const fs::path& root) { Load(root); }
  Tree(const Tree& other) : nodes_(other.nodes_), paths_(other.paths_) {}

  void Change(absl::string_view line) {
    const size_t at = line.find_first_of("=>-");
    // Only a '-' at the end of the line removes.
    for (size_t i = at; i != absl::string_view::npos; i = line.find_first_of("=>-", i + 1)) {
      if (line[i] != '-') return ChangeAll(line.substr(0, i), line[i], line.substr(i + 1));
    }
    if (absl::EndsWith(line, "-")) ChangeAll(line.substr(0, line.size() - 1), '-', "");
  }

  int OpenRoot(const char*) override { return OpenNode(0); }

  int OpenDirectory(int at, const char* path) override {
    int node;
    {
      absl::MutexLock lock(&mu_);
      node = open_[static_cast<size_t>(at)].node;
    }
    for (absl::string_view name : absl::StrSplit(path, '/')) {
      const int next = Find(node, std::string(name));
      if (next < 0) return -ENOENT;
      node = next;
    }
    if (Of(node).kind != Node::Kind::kFolder) return -ENOTDIR;
    return OpenNode(node);
  }

  ssize_t ReadFile(int at, const char* name, char* buffer, size_t size) override {
    return Text(at, name, Node::Kind::kFile, buffer, size);
  }
  ssize_t ReadLink(int at, const char* name, char* buffer, size_t size) override {
    return Text(at, name, Node::Kind::kLink, buffer, size);
  }

  ssize_t ListDirectory(int directory, char* buffer, size_t size) override {
    absl::MutexLock lock(&mu_);
    Open& open = open_[static_cast<size_t>(directory)];
    const auto& names = Of(open.node).names;
    size_t used = 0;
    for (auto it = std::next(names.begin(), open.listed); it != names.end(); ++it) {
      const size_t length = (offsetof(dirent64, d_name) + it->first.size() + 8) / 8 * 8;
      if (length > size - used) break;
      memset(buffer + used, 0, length);
      const auto record = static_cast<uint16_t>(length);
      memcpy(buffer + used + offsetof(dirent64, d_reclen), &record, sizeof(record));
      const Node::Kind kind = Of(it->second).kind;
      buffer[used + offsetof(dirent64, d_type)] = kind == Node::Kind::kFolder ? DT_DIR
                                                  : kind == Node::Kind::kLink ? DT_LNK
                                                                              : DT_REG;
      memcpy(buffer + used + offsetof(dirent64, d_name), it->first.data(), it->first.size());
      used += length;
      ++open.listed;
    }
    return static_cast<ssize_t>(used);
  }

  void Close(int directory) override {
    absl::MutexLock lock(&mu_);
    open_[static_cast<size_t>(directory)].node = -1;
    ++closed_;
  }
  bool AllClosed() {
    absl::MutexLock lock(&mu_);
    return closed_ == open_.size();
  }

 private:
  struct Open {
    int node;
    std::ptrdiff_t listed = 0;
  };

  const Node& Of(int node) const { return nodes_[static_cast<size_t>(node)]; }

  int Load(const fs::path& path) {
    const int index = static_cast<int>(nodes_.size());
    nodes_.emplace_back();
    paths_.push_back(path.string());
    Node node;
    if (fs::is_symlink(path)) {
      node = {Node::Kind::kLink, fs::read_symlink(path).string(), {}};
    } else if (fs::is_directory(path)) {
      for (const auto& entry : fs::directory_iterator(path)) {
        node.names[entry.path().filename().string()] = Load(entry.path());
      }
    } else {
      std::ifstream file(path, std::ios::binary);
      node = {Node::Kind::kFile, {std::istreambuf_iterator<char>(file), {}}, {}};
    }
    nodes_[static_cast<size_t>(index)] = std::move(node);
    return index;
  }

  void ChangeAll(absl::string_view end, char what, absl::string_view text) {
    if (end.empty()) return;
    const std::string with_slash = absl::StrCat("/", end);
    for (size_t i = 1; i < nodes_.size(); ++i) {
      if (!absl::EndsWith(paths_[i], with_slash)) continue;
      if (what == '=') {
        if (nodes_[i].kind != Node::Kind::kFolder) nodes_[i].text = std::string(text);
      } else {
        Rename(static_cast<int>(i), std::string(text.substr(0, 255)));
      }
    }
  }

  // Without a name, the node is removed.
  void Rename(int node, const std::string& name) {
    for (Node& folder : nodes_) {
      for (auto it = folder.names.begin(); it != folder.names.end(); ++it) {
        if (it->second != node) continue;
        folder.names.erase(it);
        const bool can_be = !name.empty() && name != "." && name != ".." &&
                            name.find_first_of(std::string("/\0", 2)) == std::string::npos;
        if (can_be) folder.names.emplace(name, node);
        return;
      }
    }
  }

  int Find(int folder, const std::string& name) const {
    const auto it = Of(folder).names.find(name);
    return it == Of(folder).names.end() ? -1 : it->second;
  }

  int OpenNode(int node) {
    absl::MutexLock lock(&mu_);
    open_.push_back({node});
    return static_cast<int>(open_.size()) - 1;
  }

  ssize_t Text(int at, const char* name, Node::Kind kind, char* buffer, size_t size) {
    absl::MutexLock lock(&mu_);
    const int node = Find(open_[static_cast<size_t>(at)].node, name);
    if (node < 0) return -ENOENT;
    if (Of(node).kind != kind) return kind == Node::Kind::kLink ? -EINVAL : -ELOOP;
    const size_t length = std::min(size, Of(node).text.size());
    memcpy(buffer, Of(node).text.data(), length);
    return static_cast<ssize_t>(length);
  }

  std::vector<Node> nodes_;
  std::vector<std::string> paths_;  // before any change
  absl::Mutex mu_;
  std::vector<Open> open_ ABSL_GUARDED_BY(mu_);
  size_t closed_ ABSL_GUARDED_BY(mu_) = 0;
};

// An expander with two drives and an enclosure's SES device. Device mapper and md hold the first
// drive.
FakeHost Hardware() {
  FakeHost host = Machine();
  host.unique_id = 1;
  FakeUnit& disk = DriveOf(host, 0).units[0];
  disk.size_bytes = 8'000'000'000'000;
  disk.generic = "sg0";
  disk.holders = {{"dm-0", "mpatha", "mpath-35000c50000000010", false}, {"md127", "", "", true}};
  FakeEndDevice& ses = DriveOf(host, 2);
  ses.units[0] = FakeUnit();
  ses.units[0].type = 13;
  ses.units[0].generic = "sg2";
  ses.units[0].slots = {{"Slot 01", 0, "end_device-5:0:0"}, {"Slot 02", 1, ""}};
  ses.enclosure = DriveOf(host, 0).enclosure = 0x5000CCAB03001100;
  DriveOf(host, 0).bay = 0;
  return host;
}

const Tree& BaseTree() {
  static const Tree* const tree = [] {
    char folder[] = "/tmp/tree-fuzz-XXXXXX";
    Check(mkdtemp(folder) != nullptr, "there is a temporary folder");
    Check(WriteFakeSysfs(folder, {Hardware(), OtherMachine()}).ok(), "the tree is written");
    auto* made = new Tree(folder);
    fs::remove_all(folder);
    return made;
  }();
  return *tree;
}

class Counter : public ObservationSink {
 public:
  void Observe(ObservationBatch batch) override {
    Check(!batch.observations.empty(), "a batch has an observation");
    ++batches;
  }
  size_t batches = 0;
};

// The key that occurs at most once in a host's reading; empty if a key may occur again.
std::string KeyText(const Observation& observation) {
  struct Namer {
    static std::string Of(const NodeKey& key) {
      return absl::StrCat(ToText(key.host), " ", key.address.value(), " ", key.port.value());
    }
    std::string operator()(const PhyFacts& f) {
      return absl::StrCat(Of(f.key.owner), " phy ", f.key.phy.value());
    }
    std::string operator()(const ExpanderFacts& f) { return Of(f.key); }
    std::string operator()(const EndDeviceFacts& f) { return Of(f.key); }
    std::string operator()(const EnclosureFacts& f) { return absl::StrCat(f.key.value()); }
    std::string operator()(const SlotFacts& f) {
      return absl::StrCat(f.key.enclosure.value(), " slot ", f.key.slot);
    }
    std::string operator()(const PortFacts& f) {
      return absl::StrCat(Of(f.key.owner), " port ", f.key.attached.value());
    }
    std::string operator()(const HostFacts&) { return "host"; }
    std::string operator()(const DiscoveryFacts&) { return "discovery"; }
    std::string operator()(const LogicalUnitFacts&) { return ""; }
    std::string operator()(const Notice&) { return ""; }
    std::string operator()(const HostGone&) { return "gone"; }
    std::string operator()(const ExpanderGone&) { return "gone"; }
    std::string operator()(const EndDeviceGone&) { return "gone"; }
    std::string operator()(const LogicalUnitGone&) { return "gone"; }
    std::string operator()(const EnclosureGone&) { return "gone"; }
  };
  return std::visit(Namer(), observation);
}

void CheckReading(const HostReading& reading) {
  std::set<std::pair<size_t, std::string>> keys;
  for (const Observation& observation : reading.observations) {
    const std::string key = KeyText(observation);
    Check(key != "gone", "a reading contains no removal");
    Check(key.empty() || keys.insert({observation.index(), key}).second, "a key occurs once");
  }
}

void ReadAll(Tree& tree) {
  FakeClock clock;
  Counter sink;
  auto source = SysfsSource::Create("/sys", tree, clock, sink);
  if (!source.ok()) return fuzz::CheckError(source.status());
  const absl::Status scanned = (*source)->Scan();
  if (!scanned.ok()) return fuzz::CheckError(scanned);
  for (const HostReading& reading : (*source)->last()) CheckReading(reading);
  const size_t batches = sink.batches;
  Check((*source)->Scan().ok() && sink.batches == batches, "a second reading shows no difference");
  for (size_t i = 0; i < (*source)->last().size(); ++i) {
    const std::string name = (*source)->last()[i].os_name;
    const LinkLook look = (*source)->LookAtLinks(name, 0, 1000);
    Check(look.difference.empty(), "a look at links finds no difference");
    (void)(*source)->ScanHost(name, SysfsSource::ScanCause());
  }
  (void)(*source)->HostsUnder("dm-0");
  const auto controlled = FindControlledHosts("/sys", tree);
  if (!controlled.ok()) return fuzz::CheckError(controlled.status());
  for (const ControlledHost& host : *controlled) (void)ResetCountOf(host, "/sys", tree)();
}

}  // namespace
}  // namespace sasd::sysfs

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sasd::sysfs::Tree tree(sasd::sysfs::BaseTree());
  int changes = 0;
  for (absl::string_view line : absl::StrSplit(sasd::fuzz::TextOf({data, size}), '\n')) {
    if (++changes > 32) break;
    tree.Change(line);
  }
  sasd::sysfs::ReadAll(tree);
  sasd::fuzz::Check(tree.AllClosed(), "every folder is closed");
  return 0;
}
