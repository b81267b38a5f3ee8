/* The protocol of device lifetime (driver/device, driver/discovery), small enough for an exhaustive check.
 *
 * It has two drives in two slots; the firmware, with the interrupt's handling of its events; the worker; the
 * attacher; the unload. An atomic block stands for code under one lock, or for one request to the firmware.
 * README.md maps the processes to the code. Each BUG_... puts back one mistake.
 */

#ifndef ACTS
#define ACTS 3 /* limit of all acts of the hardware */
#endif
#ifndef RESETS
#define RESETS 1 /* limit of host resets among the acts */
#endif
#ifndef LOSSES
#define LOSSES 1
#endif

#define DRIVES 2
#define HANDLES 3        /* 1..; 0: none */
#define OBJECTS (DRIVES + ACTS + RESETS)
#define NONE 255

mtype = { DISCOVERED, ATTACHING, ATTACHED, GONE }; /* the part of LifeState that matters here */
mtype = { ADDED, NOT_RESPONDING, GAP, RESET };     /* events */

/* ---- The firmware's truth. */
bool plugged[DRIVES];
byte handle_of[DRIVES];         /* 0: not reported by the firmware */
byte drive_at[HANDLES + 1];     /* drive + 1; 0: no drive answers */
bool handle_used[HANDLES + 1];  /* from its report until the driver gives it back */
byte acts, resets, losses;
bool hardware_rests;

/* ---- Device objects. An object without an owner is freed, and must not be touched afterwards. */
typedef Object {
  byte refs;        /* 0: not made yet, or freed. No object is made twice, so that a late access is seen. */
  byte drive;       /* its key */
  mtype state;
  byte handle;
  byte handle_life; /* counts the ends of its handles */
  bool given_back;  /* the handshake has given its handle back */
  bool reported;        /* to the sink */
  bool retry;       /* wanted again since its attach began */
  byte walk;        /* the last walk that found it */
};
Object object[OBJECTS];
byte objects_made;
byte table[DRIVES] = NONE; /* DeviceTable::devices_, by key */
bool paused;               /* no attach from the begin of a reset until its walk */
byte epoch;

/* ---- What was reported to the sink. */
byte reported_object[DRIVES] = NONE;
byte reported_units[DRIVES] = NONE; /* the drive whose answers are reported for it */

/* ---- The event queue. */
chan events = [2 * ACTS + RESETS + 2] of { mtype, byte /* handle */, byte /* sequence */ };
byte sequence;
bool worker_ended, attacher_ended, stopping, unloaded;

bool worker_busy, attacher_busy;
byte gone_[DRIVES] = NONE; /* the worker's ChangeSet: removed objects that are not reported yet */

#ifdef BUG_PRIVATE_HEAD /* during its attach, a device is only on the attacher's list */
#define FINDABLE(o) (object[o].state != ATTACHING)
#else
#define FINDABLE(o) true
#endif
#define HAS_HANDLE(o, h) (h != 0 && o != NONE && object[o].handle == h && FINDABLE(o))

#ifdef BUG_IGNORE_WHILE_ADDING /* the flag */
#define MAY_REMOVE(o) (object[o].state != GONE && object[o].state != ATTACHING)
#else
#define MAY_REMOVE(o) (object[o].state != GONE)
#endif

#define ALIVE(o) assert(object[o].refs > 0)

/* DeviceTable::Waits */
#define ATTACHABLE(d) (!paused && table[d] != NONE && object[table[d]].state == DISCOVERED && \
                       object[table[d]].reported && object[table[d]].handle != 0 && \
                       !object[table[d]].given_back)

inline ref(o) { ALIVE(o); object[o].refs++ }
inline unref(o) { ALIVE(o); object[o].refs-- }

/* DeviceTable::FindByHandle takes its reference inside the lock. */
inline find_by_handle(h, o) {
  atomic {
    o = NONE;
    i_ = 0;
    do
    :: i_ < DRIVES && HAS_HANDLE(table[i_], h) -> o = table[i_]; break
    :: i_ < DRIVES && !HAS_HANDLE(table[i_], h) -> i_++
    :: i_ == DRIVES -> break
    od;
    if
    :: o != NONE ->
#ifndef BUG_UNOWNED_LOOKUP
       ref(o)
#else
       skip
#endif
    :: else
    fi
  }
}

inline release(o) {
  atomic {
    if
    :: o != NONE ->
#ifndef BUG_UNOWNED_LOOKUP
       unref(o)
#else
       skip
#endif
    :: else
    fi;
    o = NONE
  }
}

/* BeginRemoval and FinishRemoval. The table's reference ends. */
inline remove(o) {
  atomic {
    ALIVE(o);
    if
    :: MAY_REMOVE(o) ->
       object[o].state = GONE;
       gone_[object[o].drive] = o; /* ChangeSet::Gone keeps a reference */
       object[o].refs++;
       if
       :: table[object[o].drive] == o -> table[object[o].drive] = NONE; unref(o)
       :: else
       fi
    :: else
    fi
  }
}

/* Emitter::Commit reports removals before additions. Added devices may be attached afterwards. */
inline commit() {
  atomic {
    i_ = 0;
    do
    :: i_ < DRIVES ->
       if
       :: gone_[i_] != NONE ->
          if
          :: reported_object[i_] == gone_[i_] -> reported_object[i_] = NONE; reported_units[i_] = NONE
          :: else
          fi;
          unref(gone_[i_]);
          gone_[i_] = NONE
       :: else
       fi;
       if
       :: table[i_] != NONE && reported_object[i_] == NONE ->
          reported_object[i_] = table[i_];
          object[table[i_]].reported = true
       :: else
       fi;
       i_++
    :: else -> break
    od
  }
}

/* TopologyModel::PutDevice with the page of drive d under handle h. */
inline put_device(d, h, walk_) {
  /* DeviceTable::Find */
  atomic { found_ = table[d]; if :: found_ != NONE -> ref(found_) :: else fi }
  if
  :: found_ != NONE && object[found_].given_back -> remove(found_); atomic { unref(found_); found_ = NONE }
  :: else
  fi;
  atomic {
    /* Update or Add, under the table's lock: the handle is taken from another object with it. */
    i_ = 0;
    do
    :: i_ < DRIVES ->
       if
       :: i_ != d && table[i_] != NONE && object[table[i_]].handle == h ->
          object[table[i_]].handle = 0;
          object[table[i_]].handle_life++
       :: else
       fi;
       i_++
    :: else -> break
    od;
    if
    :: found_ != NONE ->
       ALIVE(found_);
       if
       :: object[found_].state != GONE ->
          if
          :: object[found_].handle != h -> object[found_].handle = h; object[found_].handle_life++
          :: else
          fi;
          object[found_].retry = true;
          object[found_].walk = walk_
       :: else
       fi;
       unref(found_);
       found_ = NONE
    :: found_ == NONE && table[d] == NONE ->
       object[objects_made].refs = 1;
       object[objects_made].drive = d;
       object[objects_made].state = DISCOVERED;
       object[objects_made].handle = h;
       object[objects_made].walk = walk_;
#ifdef BUG_ATTACH_BEFORE_REPORTED
       object[objects_made].reported = true;
#endif
       table[d] = objects_made;
       objects_made++
    :: else -> found_ = NONE
    fi
  }
}

/* A request for the SAS device page 0 of a handle. Sets d to the drive, or NONE. */
inline read_page(h, d) {
  atomic {
    if
    :: h != 0 && drive_at[h] != 0 && handle_of[drive_at[h] - 1] == h -> d = drive_at[h] - 1
    :: else -> d = NONE
    fi
  }
}

/* ---- The hardware, and in the same context the interrupt's handling of events (Arrival). */

inline queue(kind, h) {
  atomic {
    if
    :: !unloaded -> sequence++; events!kind, h, sequence
    :: else
    fi
  }
}

/* The firmware has queued an event. The event may be lost; the next one declares that. */
inline send(kind, h) {
  if
  :: losses < LOSSES -> atomic { losses++; lose_ = true }
  :: true -> lose_ = false
  fi;
  if
  :: lose_ ->
#ifndef BUG_GAP_NOT_DECLARED
     queue(GAP, 0)
#else
     skip
#endif
  :: !lose_ && kind == NOT_RESPONDING ->
     /* In the pre-pass, the handshake gives the handle back. */
     find_by_handle(h, seen_);
     if
     :: seen_ != NONE ->
        atomic { ALIVE(seen_); object[seen_].given_back = true; object[seen_].retry = true }
     :: else
     fi;
     release(seen_);
     atomic {
       if
       :: drive_at[h] == 0 -> handle_used[h] = false
       :: else
       fi
     };
     queue(NOT_RESPONDING, h)
  :: !lose_ && kind == ADDED -> queue(ADDED, h)
  fi
}

/* The lowest free handle. */
inline report(d) {
  atomic {
    i_ = 1;
    do
    :: i_ <= HANDLES && handle_used[i_] -> i_++
    :: i_ <= HANDLES && !handle_used[i_] -> break
    :: i_ > HANDLES -> break
    od;
    if
    :: i_ <= HANDLES -> handle_used[i_] = true; drive_at[i_] = d + 1; handle_of[d] = i_
    :: else -> handle_of[d] = 0
    fi
  }
}

active proctype Hardware() {
  byte i_, d, h, seen_ = NONE;
  bool lose_;
  do
  :: acts < ACTS ->
     if
     :: d = 0
     :: d = 1
     fi;
     if
     :: plugged[d] -> /* pulled */
        atomic { acts++; plugged[d] = false; h = handle_of[d]; handle_of[d] = 0; drive_at[h] = 0 };
        if :: h != 0 -> send(NOT_RESPONDING, h) :: else fi
     :: !plugged[d] -> /* inserted */
        atomic { acts++; plugged[d] = true };
        report(d);
        if :: handle_of[d] != 0 -> send(ADDED, handle_of[d]) :: else fi
     :: resets < RESETS -> /* the host is reset: Arrival::OnResetBegin, then drives get new handles */
        atomic {
          acts++;
          resets++;
          handle_of[0] = 0; handle_of[1] = 0;
          h = 1;
          do
          :: h <= HANDLES -> handle_used[h] = false; drive_at[h] = 0; h++
          :: else -> break
          od
        };
#ifndef BUG_RESET_KEEPS_HANDLES
        atomic { /* DeviceTable::ForgetHandles */
          epoch++;
          paused = true;
          i_ = 0;
          do
          :: i_ < DRIVES ->
             if
             :: table[i_] != NONE ->
                object[table[i_]].handle = 0;
                object[table[i_]].handle_life++
             :: else
             fi;
             i_++
          :: else -> break
          od
        };
#endif
        /* the drives are reported in the other order */
        if :: plugged[1] -> report(1) :: else fi;
        if :: plugged[0] -> report(0) :: else fi;
        queue(RESET, 0)
     fi
  :: acts == ACTS -> break
  :: true -> break
  od;
  hardware_rests = true
}

/* ---- The worker: one event at a time. */

active proctype Worker() {
  byte i_, found_ = NONE, d = NONE, h, number, verify_until, walks, at_epoch, o = NONE;
  mtype kind;
end:
  do
  :: stopping -> break
  :: atomic { !stopping && nempty(events) -> events?kind, h, number; worker_busy = true };
     if
     :: kind == ADDED ->
        read_page(h, d);
        if
        :: d != NONE -> put_device(d, h, walks)
        :: else
        fi;
        commit()
     :: kind == NOT_RESPONDING ->
        find_by_handle(h, o);
        if
        :: o != NONE ->
           d = NONE;
           if
           :: !object[o].given_back && number <= verify_until -> read_page(h, d)
           :: else
           fi;
           if
           :: d == NONE || d != object[o].drive -> remove(o)
           :: else
           fi
        :: else
        fi;
        release(o);
        commit()
     :: kind == GAP || kind == RESET ->
        /* A walk over all pages. It replaces the queued events (Supersede). */
        atomic {
          walks++;
          at_epoch = epoch;
          do
          :: events??[ADDED, _, _] -> events??ADDED, _, _
          :: events??[NOT_RESPONDING, _, _] -> events??NOT_RESPONDING, _, _
          :: else -> break
          od
        };
        h = 1;
        do
        :: h <= HANDLES ->
           read_page(h, d);
           if
           :: d != NONE -> put_device(d, h, walks)
           :: else
           fi;
           h++
        :: else -> break
        od;
        /* Devices that the walk did not find are removed, unless another reset has begun. */
        i_ = 0;
        d = 0;
        do
        :: d < DRIVES && at_epoch == epoch ->
           atomic { o = table[d]; if :: o != NONE -> ref(o) :: else fi };
           if
           :: o != NONE && object[o].walk != walks -> remove(o)
           :: else
           fi;
           atomic { if :: o != NONE -> unref(o); o = NONE :: else fi };
           d++
        :: else -> break
        od;
        atomic { if :: at_epoch == epoch -> verify_until = sequence; paused = false :: else fi };
        commit()
     fi;
     atomic { d = NONE; worker_busy = false }
  od;
  worker_ended = true
}

/* ---- The attacher: one device at a time. */

active proctype Attacher() {
  byte o = NONE, h, life, answer = NONE;
#ifdef BUG_CACHED_NEXT
  byte next = NONE;
#endif
end:
  do
  :: stopping -> break
  :: else ->
     /* TakeForAttach */
     atomic {
#ifdef BUG_CACHED_NEXT
       if
       :: next != NONE -> ALIVE(next); next = NONE
       :: else -> if :: ATTACHABLE(0) && ATTACHABLE(1) -> next = table[1] :: else fi
       fi;
#endif
       if
       :: ATTACHABLE(0) -> o = table[0]
       :: !ATTACHABLE(0) && ATTACHABLE(1) -> o = table[1]
       :: else
       fi;
       if
       :: o != NONE ->
          attacher_busy = true;
#ifndef BUG_UNOWNED_TICKET
          ref(o);
#endif
          object[o].state = ATTACHING;
          object[o].retry = false;
          h = object[o].handle;
          life = object[o].handle_life
       :: else
       fi
     };
     if
     :: o == NONE -> /* waits for a device to attach, or for the stop */
end_waits:
        (stopping || ATTACHABLE(0) || ATTACHABLE(1))
     :: else ->
        atomic { if :: drive_at[h] != 0 -> answer = drive_at[h] - 1 :: else -> answer = NONE fi };
        /* CompleteAttach or FailAttach, with the attacher's commit (Emitter's lock). */
        atomic {
          ALIVE(o);
          if
#ifdef BUG_UNCONDITIONAL_MAKE_ACTIVE
          :: answer != NONE ->
             if
             :: object[o].state == GONE && table[object[o].drive] == NONE ->
                table[object[o].drive] = o;
                object[o].refs++;
                reported_object[object[o].drive] = o
             :: else
             fi;
             object[o].state = ATTACHED;
             reported_units[object[o].drive] = answer
#endif
          :: object[o].state == GONE -> skip /* undone: nothing is reported */
          :: object[o].state != GONE &&
             (object[o].given_back || object[o].handle == 0
#ifndef BUG_OLD_ANSWER
              || object[o].handle_life != life
#endif
              || (answer == NONE)) ->
             object[o].state = DISCOVERED /* tried again after the next report */
          :: else ->
             object[o].state = ATTACHED;
             assert(reported_object[object[o].drive] == o); /* reported before it is attached */
             reported_units[object[o].drive] = answer
          fi;
#ifndef BUG_UNOWNED_TICKET
          unref(o);
#endif
          o = NONE;
          answer = NONE;
          attacher_busy = false
        }
     fi
  od;
  attacher_ended = true
}

/* ---- Stop. Once worker and attacher have ended, all objects are released. */

active proctype Unload() {
  byte d;
  if
  :: true -> skip /* never */
  :: true ->
     stopping = true;
     (worker_ended && attacher_ended);
     atomic {
       unloaded = true;
       d = 0;
       do
       :: d < DRIVES ->
          if :: table[d] != NONE -> object[table[d]].state = GONE; unref(table[d]); table[d] = NONE :: else fi;
          if :: gone_[d] != NONE -> unref(gone_[d]); gone_[d] = NONE :: else fi;
          d++
       :: else -> break
       od
     };
     (hardware_rests);
     d = 0;
     do
     :: d < OBJECTS -> assert(object[d].refs == 0); d++ /* every reference was returned */
     :: else -> break
     od
  fi
}

/* ---- Properties of the state at rest. */

#define QUIET (hardware_rests && !stopping && empty(events) && !worker_busy && !attacher_busy && \
               !ATTACHABLE(0) && !ATTACHABLE(1))

active proctype Judge() {
  byte d, listed;
end:
  atomic {
    QUIET ->
    do
    :: d < DRIVES ->
       /* The reports equal the firmware's truth: no removal is lost, and no removed device returns. */
       assert((table[d] != NONE) == (plugged[d] && handle_of[d] != 0));
       assert(reported_object[d] == table[d]);
       if
       :: table[d] != NONE ->
          assert(object[table[d]].refs == 1); /* that of the table */
          assert(object[table[d]].state == ATTACHED);
          assert(object[table[d]].handle == handle_of[d]);
          assert(reported_units[d] == d)
       :: else -> assert(reported_units[d] == NONE)
       fi;
       d++
    :: else -> break
    od;
    d = 0;
    do
    :: d < OBJECTS ->
       if :: object[d].refs > 0 -> listed++ :: else fi;
       d++
    :: else -> break
    od;
    /* No other object lives. */
    assert(listed == (table[0] != NONE -> 1 : 0) + (table[1] != NONE -> 1 : 0))
  }
}

/* A removal is eventually honoured. A drive that stays plugged is eventually attached. */
#define GONE_FOR_GOOD (hardware_rests && !plugged[0] && !stopping)
#define HERE_FOR_GOOD (hardware_rests && plugged[0] && handle_of[0] != 0 && !stopping)
ltl removal_is_honoured { [] (GONE_FOR_GOOD -> <> (stopping || reported_object[0] == NONE)) }
ltl presence_is_honoured { [] (HERE_FOR_GOOD -> <> (stopping || reported_units[0] == 0)) }
