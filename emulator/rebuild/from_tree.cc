#include "emulator/rebuild/from_tree.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "driver/observation/scsi_host.h"
#include "driver/sysfs/file_io.h"
#include "driver/sysfs/scsi_host_reader.h"
#include "driver/sysfs/sysfs_reader.h"
#include "driver/sysfs/unpacked_tree.h"
#include "emulator/fabric/fabric_loader.h"
#include "emulator/rebuild/rebuild.h"
#include "google/protobuf/text_format.h"

namespace sasd::emulator {
namespace {

// An element per line: a fabric of 60 drives stays readable.
std::string TextOf(const Fabric& fabric) {
  google::protobuf::TextFormat::Printer printer;
  printer.SetSingleLineMode(true);
  const google::protobuf::Reflection& reflection = *fabric.GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection.ListFields(fabric, &fields);
  std::string text;
  for (const google::protobuf::FieldDescriptor* field : fields) {
    const int count = field->is_repeated() ? reflection.FieldSize(fabric, field) : 1;
    for (int i = 0; i < count; ++i) {
      std::string value;
      printer.PrintFieldValueToString(fabric, field, field->is_repeated() ? i : -1, &value);
      const bool message = field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE;
      absl::StrAppend(&text, field->name(),
                      message ? absl::StrCat(" { ", value, "}") : absl::StrCat(": ", value));
      text.push_back('\n');
    }
  }
  return text;
}

void NoteOtherHosts(const ScsiHosts& hosts, std::vector<std::string>& notes) {
  for (const ScsiHost& host : hosts.hosts) {
    if (host.has_sas_transport) {
      notes.push_back(absl::StrCat(host.os_name, ": ", CountText(host),
                                   " at no end device (RAID volumes and the like); left out"));
    } else if (DrivesSasHardware(host.driver_name)) {
      notes.push_back(absl::StrCat(host.os_name, ": ", host.driver_name, " shows no SAS topology (",
                                   CountText(host), "); left out"));
    }
  }
  for (const UnreadableHost& host : hosts.unreadable) {
    notes.push_back(absl::StrCat(host.os_name, ": ", host.path, " cannot be read: ", host.reason));
  }
}

}  // namespace

absl::StatusOr<FabricOfTree> FabricFromTree(const std::string& path) {
  absl::StatusOr<sysfs::UnpackedTree> tree = sysfs::UnpackedTree::Open(path);
  if (!tree.ok()) return tree.status();
  sysfs::PosixFileIo io;
  const auto readings = sysfs::ReadTree(tree->root(), io);
  if (!readings.ok()) {
    // Of an archive, the reader knows only the temporary folder.
    return absl::Status(readings.status().code(),
                        absl::StrReplaceAll(readings.status().message(), {{tree->root(), path}}));
  }
  if (readings->empty()) {
    return absl::NotFoundError(absl::StrCat(path, ": the tree has no SAS host (class/sas_host)"));
  }
  Rebuilt rebuilt = Rebuild(*readings);
  const size_t slash = path.find_last_of('/');
  const std::string origin = path.substr(slash == std::string::npos ? 0 : slash + 1);
  rebuilt.fabric.set_name(origin.substr(0, origin.find('.')));
  rebuilt.fabric.set_description(absl::StrCat("rebuilt from the sysfs tree ", origin));
  FabricOfTree made;
  made.text = absl::StrCat("# Made by sashba from-tree. docs/fabric.md explains the fields.\n",
                           TextOf(rebuilt.fabric));
  made.notes = std::move(rebuilt.notes);
  if (const auto others = sysfs::ReadScsiHosts(tree->root(), io); others.ok()) {
    NoteOtherHosts(*others, made.notes);
  }
  const auto valid = ParseFabric(made.text, origin);
  if (!valid.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": the tree contradicts itself; as it shows, no fabric can be:\n",
                     std::string(valid.status().message())));
  }
  return made;
}

}  // namespace sasd::emulator
