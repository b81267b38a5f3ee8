#include "daemon/journal/faulty_disk.h"

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <fstream>
#include <iterator>
#include <new>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace sasd::journal {
namespace {

constexpr int64_t kSector = 512;
constexpr int64_t kPage = 4096;  // of the system's cache

std::string NextName() {
  static std::atomic<int> count{0};
  return absl::StrCat("faulty-", ++count);
}

uint64_t Inode(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 ? info.st_ino : 0;
}

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void Apply(int64_t offset, const std::string& data, std::string* content) {
  const size_t end = static_cast<size_t>(offset) + data.size();
  if (content->size() < end) content->resize(end, '\0');
  content->replace(static_cast<size_t>(offset), data.size(), data);
}

}  // namespace

struct FaultyDisk::Vfs {
  sqlite3_vfs base;
  sqlite3_vfs* real;
  FaultyDisk* disk;
};

struct FaultyDisk::File {
  sqlite3_file base;
  FaultyDisk* disk;
  const std::string* path;  // of a database or log; null: of no interest. Owned.
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }

  static File& Of(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }
  int64_t size() {
    sqlite3_int64 size = 0;
    real()->pMethods->xFileSize(real(), &size);
    return size;
  }

  static int Close(sqlite3_file* file) {
    File& f = Of(file);
    const int code = f.real()->pMethods->xClose(f.real());
    delete f.path;
    f.path = nullptr;
    return code;
  }
  static int Read(sqlite3_file* file, void* data, int size, sqlite3_int64 offset) {
    File& f = Of(file);
    {
      absl::MutexLock lock(&f.disk->mu_);
      ++f.disk->reads_;
    }
    return f.real()->pMethods->xRead(f.real(), data, size, offset);
  }
  static int Write(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
    File& f = Of(file);
    if (f.path == nullptr) return f.real()->pMethods->xWrite(f.real(), data, size, offset);
    if (int code = f.disk->Operate(offset + size, f.size()); code != SQLITE_OK) return code;
    const int code = f.real()->pMethods->xWrite(f.real(), data, size, offset);
    if (code == SQLITE_OK) {
      absl::MutexLock lock(&f.disk->mu_);
      f.disk->contents_[*f.path].pending.push_back(
          {offset, 0, std::string(static_cast<const char*>(data), static_cast<size_t>(size))});
    }
    return code;
  }
  static int Truncate(sqlite3_file* file, sqlite3_int64 size) {
    File& f = Of(file);
    if (f.path == nullptr) return f.real()->pMethods->xTruncate(f.real(), size);
    if (int code = f.disk->Operate(0, 0); code != SQLITE_OK) return code;
    const int code = f.real()->pMethods->xTruncate(f.real(), size);
    if (code == SQLITE_OK) {
      absl::MutexLock lock(&f.disk->mu_);
      f.disk->contents_[*f.path].pending.push_back({-1, size, ""});
    }
    return code;
  }
  static int Sync(sqlite3_file* file, int) {
    File& f = Of(file);
    if (f.path == nullptr) return SQLITE_OK;
    if (int code = f.disk->Operate(0, 0); code != SQLITE_OK) return SQLITE_IOERR_FSYNC;
    absl::MutexLock lock(&f.disk->mu_);
    Content& content = f.disk->contents_[*f.path];
    content.synced = true;
    for (const Operation& operation : content.pending) {
      if (operation.offset < 0) {
        content.durable.resize(static_cast<size_t>(operation.size), '\0');
      } else {
        Apply(operation.offset, operation.data, &content.durable);
      }
    }
    content.pending.clear();
    return SQLITE_OK;
  }
};

FaultyDisk::FaultyDisk(uint64_t seed) : name_(NextName()), sqlite_(new Vfs), random_(seed) {
  sqlite3_vfs* real = sqlite3_vfs_find(nullptr);
  sqlite_->base = *real;
  sqlite_->real = real;
  sqlite_->disk = this;
  sqlite3_vfs& vfs = sqlite_->base;
  vfs.iVersion = 2;
  vfs.szOsFile = static_cast<int>(sizeof(File)) + real->szOsFile;
  vfs.zName = name_.c_str();
  vfs.pAppData = sqlite_.get();
  vfs.pNext = nullptr;
  vfs.xOpen = [](sqlite3_vfs* self, const char* path, sqlite3_file* file, int flags, int* out) {
    auto& wrapped = *static_cast<Vfs*>(self->pAppData);
    auto* f = new (file) File();
    f->disk = wrapped.disk;
    f->base.pMethods = nullptr;
    f->path = nullptr;
    const bool existed = path != nullptr && Inode(path) != 0;
    if (int code = wrapped.real->xOpen(wrapped.real, path, f->real(), flags, out);
        code != SQLITE_OK)
      return code;
    static const sqlite3_io_methods kMethods = [] {
      sqlite3_io_methods m{};
      m.iVersion = 2;  // without memory maps of databases
      m.xClose = File::Close;
      m.xRead = File::Read;
      m.xWrite = File::Write;
      m.xTruncate = File::Truncate;
      m.xSync = File::Sync;
      m.xFileSize = [](sqlite3_file* file, sqlite3_int64* size) {
        sqlite3_file* real = File::Of(file).real();
        return real->pMethods->xFileSize(real, size);
      };
      m.xLock = [](sqlite3_file* file, int level) {
        sqlite3_file* real = File::Of(file).real();
        return real->pMethods->xLock(real, level);
      };
      m.xUnlock = [](sqlite3_file* file, int level) {
        sqlite3_file* real = File::Of(file).real();
        return real->pMethods->xUnlock(real, level);
      };
      m.xCheckReservedLock = [](sqlite3_file* file, int* out) {
        sqlite3_file* real = File::Of(file).real();
        return real->pMethods->xCheckReservedLock(real, out);
      };
      m.xFileControl = [](sqlite3_file* file, int op, void* argument) {
        sqlite3_file* real = File::Of(file).real();
        // It would write beside Write.
        if (op == SQLITE_FCNTL_SIZE_HINT || op == SQLITE_FCNTL_CHUNK_SIZE) return SQLITE_OK;
        return real->pMethods->xFileControl(real, op, argument);
      };
      m.xSectorSize = [](sqlite3_file* file) {
        sqlite3_file* real = File::Of(file).real();
        return real->pMethods->xSectorSize(real);
      };
      m.xDeviceCharacteristics = [](sqlite3_file* file) {
        sqlite3_file* real = File::Of(file).real();
        return real->pMethods->xDeviceCharacteristics(real);
      };
      m.xShmMap = [](sqlite3_file* file, int page, int size, int extend, void volatile** out) {
        sqlite3_file* real = File::Of(file).real();
        return real->pMethods->xShmMap(real, page, size, extend, out);
      };
      m.xShmLock = [](sqlite3_file* file, int offset, int n, int flags) {
        sqlite3_file* real = File::Of(file).real();
        return real->pMethods->xShmLock(real, offset, n, flags);
      };
      m.xShmBarrier = [](sqlite3_file* file) {
        sqlite3_file* real = File::Of(file).real();
        real->pMethods->xShmBarrier(real);
      };
      m.xShmUnmap = [](sqlite3_file* file, int erase) {
        sqlite3_file* real = File::Of(file).real();
        return real->pMethods->xShmUnmap(real, erase);
      };
      return m;
    }();
    f->base.pMethods = &kMethods;
    if (path != nullptr &&
        (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0) {
      f->path = new std::string(path);
      f->disk->Opened(*f->path, existed);
    }
    return SQLITE_OK;
  };
  vfs.xDelete = [](sqlite3_vfs* self, const char* path, int sync) {
    auto& wrapped = *static_cast<Vfs*>(self->pAppData);
    if (int code = wrapped.disk->Operate(0, 0); code != SQLITE_OK) return SQLITE_IOERR_DELETE;
    return wrapped.real->xDelete(wrapped.real, path, sync);
  };
  sqlite3_vfs_register(&vfs, 0);
}

FaultyDisk::~FaultyDisk() { sqlite3_vfs_unregister(&sqlite_->base); }

void FaultyDisk::Opened(const std::string& path, bool existed) {
  absl::MutexLock lock(&mu_);
  const uint64_t inode = Inode(path);
  Content& content = contents_[path];
  if (existed && content.inode == inode) return;
  // Moved aside, deleted, or made by others: it begins as it is.
  content = Content();
  content.inode = inode;
  content.synced = existed;
  content.durable = ReadFile(path);
}

int FaultyDisk::Operate(int64_t size, int64_t old_size) {
  absl::MutexLock lock(&mu_);
  if (hanging_) {
    ++hung_;
    mu_.Await(absl::Condition(
        +[](bool* hanging) { return !*hanging; }, &hanging_));
    --hung_;
  }
  ++operations_;
  if (left_ == 0) stopped_ = true;
  if (left_ > 0) --left_;
  if (stopped_ || read_only_) return SQLITE_IOERR_WRITE;
  if (full_ && size > old_size) return SQLITE_FULL;
  return SQLITE_OK;
}

void FaultyDisk::StopAfter(int64_t operations) {
  absl::MutexLock lock(&mu_);
  left_ = operations;
}

bool FaultyDisk::stopped() {
  absl::MutexLock lock(&mu_);
  return stopped_;
}

void FaultyDisk::GoOn(Kept kept) {
  absl::MutexLock lock(&mu_);
  stopped_ = false;
  left_ = -1;
  if (kept == Kept::kAll) return;
  for (auto& [path, content] : contents_) Lose(path, content);
}

void FaultyDisk::Lose(const std::string& path, Content& content) {
  // The memory that the kernel shares between processes is gone, too.
  if (!absl::EndsWith(path, "-wal")) unlink((path + "-shm").c_str());
  if (Inode(path) != content.inode) return;
  constexpr double kChances[] = {0, 0.3, 0.9, 1};
  const double chance = kChances[random_() % 4];
  const auto happens = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return static_cast<double>(random_() % 1'000'000) < chance * 1'000'000;
  };
  // Of each block of the file either all later writes or none, or each write for itself.
  const int64_t unit = random_() % 2 == 0 ? kSector : kPage;
  const bool by_block = random_() % 2 == 0;
  absl::flat_hash_map<int64_t, bool> blocks;
  // Or the later pages of the file are on the disk, and those before them are not yet.
  const int64_t first_kept = random_() % 3 == 0 ? static_cast<int64_t>(1 + random_() % 40) : 0;
  for (const Operation& operation : content.pending) {
    if (operation.offset < 0) {
      if (!happens()) break;
      content.durable.resize(static_cast<size_t>(operation.size), '\0');
      blocks.clear();
      continue;
    }
    const auto end = operation.offset + static_cast<int64_t>(operation.data.size());
    for (int64_t from = operation.offset; from < end;) {
      const int64_t block = from / unit;
      const int64_t to = std::min(end, (block + 1) * unit);
      bool kept = happens();
      if (by_block) kept = blocks.try_emplace(block, kept).first->second;
      if (first_kept > 0) kept = from / kPage >= first_kept;
      if (kept)
        Apply(from,
              operation.data.substr(static_cast<size_t>(from - operation.offset),
                                    static_cast<size_t>(to - from)),
              &content.durable);
      from = to;
    }
  }
  content.pending.clear();
  if (!content.synced && !happens()) {
    unlink(path.c_str());
    content = Content();
    return;
  }
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content.durable;
}

void FaultyDisk::set_full(bool full) {
  absl::MutexLock lock(&mu_);
  full_ = full;
}

void FaultyDisk::set_read_only(bool read_only) {
  absl::MutexLock lock(&mu_);
  read_only_ = read_only;
}

void FaultyDisk::set_hanging(bool hanging) {
  absl::MutexLock lock(&mu_);
  hanging_ = hanging;
}

void FaultyDisk::WaitUntilHung() {
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(
      +[](int* hung) { return *hung > 0; }, &hung_));
}

int64_t FaultyDisk::reads() {
  absl::MutexLock lock(&mu_);
  return reads_;
}

int64_t FaultyDisk::operations() {
  absl::MutexLock lock(&mu_);
  return operations_;
}

}  // namespace sasd::journal
