//! The thread that is every caller's phone: it sends a packet each 20 ms and listens, with the kernel's own time of
//! each arrival, so that a busy generator does not blame the server.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::io;
use std::io::IoSliceMut;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::Sender;
use std::sync::mpsc::channel;
use std::thread::JoinHandle;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::ControlMessageOwned;
use nix::sys::socket::MsgFlags;
use nix::sys::socket::recvmsg;
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::ReceiveTimestampns;
use rustix::event::epoll;
use rustix::time::Itimerspec;
use rustix::time::TimerfdTimerFlags;
use rustix::time::Timespec;

use super::ear::Ear;
use super::ear::Heard;
use super::ear::stamp;
use super::plan::Key;
use crate::base::Entropy;
use crate::base::WallTime;
use crate::media::dtmf;
use crate::media::dtmf::DigitFrame;
use crate::media::dtmf::DigitSender;
use crate::media::rtp::HEADER;
use crate::media::rtp::MAX_PACKET;
use crate::media::rtp::Outgoing;
use crate::media::rtp::parse;
use crate::sip::SessionId;
use crate::wire::media::Pair;

/// Octets of a G.711 frame, and its length in units of the 8 kHz clock.
const FRAME_BYTES: usize = 160;
/// Phones are spread over a frame, so that their packets do not leave in one burst.
const SLOTS: u64 = 20;
const SLOT: Duration = Duration::from_millis(1);
/// A packet sent later than this is late by our own fault.
const LATE: Duration = Duration::from_millis(5);
/// Packets that are read at a time,
const BATCH: usize = 256;
/// and how often, before it is looked whether something is to be sent.
const ROUNDS: usize = 16;
/// As the server's own workers: see [`crate::wire::media`].
const NICENESS: i32 = -11;
/// How long a key is pressed.
const PRESS: Duration = Duration::from_millis(100);
/// The token of the timer; a phone's is its session.
const TIMER: u64 = 0;
/// What is sent between keys: a quiet sound that is no silence, so that nobody takes it for a pause.
const QUIET: u8 = 0xfe;

/// A phone that is about to talk.
pub(super) struct Phone {
    pub(super) session: SessionId,
    pub(super) pair: Pair,
    pub(super) to: SocketAddr,
    pub(super) payload_type: u8,
    /// The payload type of keys, where they are understood.
    pub(super) events: Option<u8>,
    pub(super) keys: Vec<Key>,
    pub(super) answered: WallTime,
}

enum Order {
    Talk(Box<Phone>),
    HangUp(SessionId),
    End,
}

/// What the phones did so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Done {
    pub(super) heard: Heard,
    pub(super) sent: u64,
    /// Packets that we sent late, or not at all.
    pub(super) late: u64,
}

/// The handle: dropping it ends the thread.
pub(super) struct Phones {
    orders: Sender<Order>,
    returned: Receiver<Pair>,
    done: Arc<Mutex<Done>>,
    thread: Option<JoinHandle<()>>,
}

impl Phones {
    /// Starts the thread.
    pub(super) fn start(entropy: Entropy) -> io::Result<Phones> {
        // Both are bounded by the plan: a phone has one order to talk and one to hang up, and one pair.
        let (orders, ordered) = channel();
        let (give_back, returned) = channel();
        let done = Arc::new(Mutex::new(Done::default()));
        let exchange = Exchange::new(entropy, give_back, done.clone())?;
        let thread =
            std::thread::Builder::new().name("phones".to_owned()).spawn(move || exchange.run(&ordered))?;
        Ok(Phones { orders, returned, done, thread: Some(thread) })
    }

    pub(super) fn talk(&self, phone: Phone) {
        self.order(Order::Talk(Box::new(phone)));
    }

    pub(super) fn hang_up(&self, session: SessionId) {
        self.order(Order::HangUp(session));
    }

    /// Sockets of phones that have hung up.
    pub(super) fn returned(&self) -> impl Iterator<Item = Pair> {
        self.returned.try_iter()
    }

    /// What was done so far; up to half a second ago while phones talk.
    pub(super) fn done(&self) -> Done {
        lock(&self.done).clone()
    }

    /// Ends the thread; what was done is whole then.
    pub(super) fn finish(mut self) -> Done {
        self.end();
        self.done()
    }

    fn order(&self, order: Order) {
        // It fails only when the thread has panicked, which its end will tell.
        let _ = self.orders.send(order);
    }

    fn end(&mut self) {
        self.order(Order::End);
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the phones' thread had failed: what it measured is not whole");
        }
    }
}

impl Drop for Phones {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.end();
        }
    }
}

fn lock(done: &Mutex<Done>) -> MutexGuard<'_, Done> {
    done.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The calendar's time, as the kernel tells it of arrivals.
pub(super) fn wall_now() -> WallTime {
    wall(rustix::time::clock_gettime(rustix::time::ClockId::Realtime))
}

fn wall(time: Timespec) -> WallTime {
    WallTime(time.tv_sec * 1_000_000 + time.tv_nsec / 1_000)
}

/// When a slot begins, counted from the start.
fn slot_begin(slot: u64) -> Duration {
    Duration::from_micros(slot * SLOT.as_micros() as u64)
}

/// All phones that talk.
struct Exchange {
    talking: HashMap<SessionId, Talking>,
    slots: [Vec<SessionId>; SLOTS as usize],
    epoll: OwnedFd,
    timer: OwnedFd,
    started: Timespec,
    next_slot: u64,
    entropy: Entropy,
    give_back: Sender<Pair>,
    /// Packets are read here, and what the kernel says of them beside.
    buffer: Box<[u8; MAX_PACKET]>,
    space: Vec<u8>,
    mine: Done,
    told: Arc<Mutex<Done>>,
}

struct Talking {
    phone: Phone,
    slot: usize,
    out: Outgoing,
    digits: DigitSender,
    keys: VecDeque<Key>,
    /// Frames since the first.
    frames: u64,
    ear: Ear,
}

impl Exchange {
    fn new(entropy: Entropy, give_back: Sender<Pair>, told: Arc<Mutex<Done>>) -> io::Result<Exchange> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let flags = rustix::time::TimerfdFlags::CLOEXEC | rustix::time::TimerfdFlags::NONBLOCK;
        let timer = rustix::time::timerfd_create(rustix::time::TimerfdClockId::Monotonic, flags)?;
        let once = epoll::EventFlags::IN | epoll::EventFlags::ET;
        epoll::add(&epoll, &timer, epoll::EventData::new_u64(TIMER), once)?;
        let started = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        let mine = Done::default();
        Ok(Exchange {
            talking: HashMap::new(),
            slots: Default::default(),
            epoll,
            timer,
            started,
            next_slot: 0,
            entropy,
            give_back,
            buffer: Box::new([0; MAX_PACKET]),
            space: nix::cmsg_space!(nix::sys::time::TimeSpec),
            mine,
            told,
        })
    }

    fn run(mut self, orders: &Receiver<Order>) {
        // Of this thread alone, where we may: it shall measure the server and not itself.
        let _ = rustix::process::setpriority_process(None, NICENESS);
        let mut ready: Vec<epoll::Event> = Vec::with_capacity(BATCH);
        loop {
            self.sleep(&mut ready);
            self.run_slots();
            self.listen(&mut ready);
            for order in orders.try_iter() {
                match order {
                    Order::Talk(phone) => self.talk(*phone),
                    Order::HangUp(session) => self.hang_up(session),
                    Order::End => {
                        let sessions: Vec<SessionId> = self.talking.keys().copied().collect();
                        sessions.into_iter().for_each(|session| self.hang_up(session));
                        lock(&self.told).clone_from(&self.mine);
                        return;
                    }
                }
            }
        }
    }

    /// Waits for a packet or the next slot.
    fn sleep(&mut self, ready: &mut Vec<epoll::Event>) {
        ready.clear();
        let due = self.started + Timespec::try_from(slot_begin(self.next_slot)).unwrap_or_default();
        let once = Itimerspec { it_interval: Timespec::default(), it_value: due };
        let set = rustix::time::timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &once).map(drop);
        let waited = epoll::wait(&self.epoll, rustix::buffer::spare_capacity(ready), None).map(drop);
        if let Err(error) = set.and(waited)
            && error != rustix::io::Errno::INTR
        {
            tracing::error!(%error, "the phones cannot wait");
            std::thread::sleep(SLOT);
        }
    }

    fn elapsed(&self) -> Duration {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        Duration::try_from(now - self.started).unwrap_or_default()
    }

    fn run_slots(&mut self) {
        let elapsed = self.elapsed();
        let current = (elapsed.as_micros() / SLOT.as_micros()) as u64;
        while self.next_slot <= current {
            let slot = self.next_slot;
            self.next_slot += 1;
            let late = elapsed.saturating_sub(slot_begin(slot)) > LATE;
            for place in 0..self.slots[(slot % SLOTS) as usize].len() {
                let session = self.slots[(slot % SLOTS) as usize][place];
                if let Some(talking) = self.talking.get_mut(&session) {
                    talking.frame(&mut self.mine, late);
                }
            }
            // Twice a second those who watch are told.
            if slot.is_multiple_of(500) {
                lock(&self.told).clone_from(&self.mine);
            }
        }
    }

    /// Reads what has come; after a full batch there may be more.
    fn listen(&mut self, ready: &mut Vec<epoll::Event>) {
        for _ in 0..ROUNDS {
            for event in ready.iter().filter(|event| event.data.u64() != TIMER) {
                self.read(SessionId(event.data.u64()));
            }
            let full = ready.len() == BATCH;
            ready.clear();
            let at_once = Some(&Timespec { tv_sec: 0, tv_nsec: 0 });
            if !full || epoll::wait(&self.epoll, rustix::buffer::spare_capacity(ready), at_once).is_err() {
                return;
            }
        }
    }

    /// Reads one packet of a phone; false when there is none.
    fn read(&mut self, session: SessionId) -> bool {
        let Some(talking) = self.talking.get_mut(&session) else { return false };
        let mut parts = [IoSliceMut::new(&mut self.buffer[..])];
        let socket = talking.phone.pair.rtp.as_raw_fd();
        let read = recvmsg::<()>(socket, &mut parts, Some(&mut self.space), MsgFlags::empty());
        let message = match read {
            Ok(message) => message,
            // It is one of an earlier send, and reading has cleared it.
            Err(error) => return error != Errno::EAGAIN,
        };
        let length = message.bytes;
        let arrived = message.cmsgs().ok().and_then(|mut all| {
            all.find_map(|one| match one {
                ControlMessageOwned::ScmTimestampns(at) => {
                    Some(WallTime(at.tv_sec() * 1_000_000 + at.tv_nsec() / 1_000))
                }
                _ => None,
            })
        });
        let packet = &self.buffer[..length];
        if let Some(parsed) = parse(packet) {
            let payload = &packet[parsed.start..parsed.end];
            talking.ear.hear(arrived.unwrap_or_else(wall_now), parsed.header, payload, &mut self.mine.heard);
        }
        true
    }

    fn talk(&mut self, phone: Phone) {
        let session = phone.session;
        // Without it the time of reading stands for that of arrival.
        let _ = setsockopt(&phone.pair.rtp, ReceiveTimestampns, &true);
        let token = epoll::EventData::new_u64(session.0);
        if let Err(error) = epoll::add(&self.epoll, &phone.pair.rtp, token, epoll::EventFlags::IN) {
            tracing::error!(%error, "a phone cannot listen");
        }
        let slots = self.next_slot..self.next_slot + SLOTS;
        let slots = slots.map(|slot| (slot % SLOTS) as usize);
        let slot = slots.min_by_key(|slot| self.slots[*slot].len()).unwrap_or(0);
        self.slots[slot].push(session);
        let talking = Talking {
            slot,
            out: Outgoing::new(&mut self.entropy),
            digits: DigitSender::default(),
            keys: phone.keys.iter().copied().collect(),
            frames: 0,
            ear: Ear::new(phone.answered),
            phone,
        };
        self.talking.insert(session, talking);
    }

    fn hang_up(&mut self, session: SessionId) {
        // What has arrived was sent in time, and is no loss; a socket holds some hundred packets.
        for _ in 0..BATCH {
            if !self.read(session) {
                break;
            }
        }
        let Some(talking) = self.talking.remove(&session) else { return };
        self.slots[talking.slot].retain(|other| *other != session);
        talking.ear.close(&mut self.mine.heard);
        let _ = epoll::delete(&self.epoll, &talking.phone.pair.rtp);
        let _ = self.give_back.send(talking.phone.pair);
    }
}

impl Talking {
    /// Sends what this frame has: a key, or sound.
    fn frame(&mut self, done: &mut Done, late: bool) {
        let (frame, at) = (self.frames, slot_begin(self.frames * SLOTS));
        self.frames += 1;
        while self.keys.front().is_some_and(|key| key.at <= at) {
            if let Some(key) = self.keys.pop_front() {
                self.digits.push(key.digit, PRESS);
            }
        }
        let mut packet = [QUIET; HEADER + FRAME_BYTES];
        let media_time = self.out.clock(frame, FRAME_BYTES as u32);
        let (header, length) = match self.digits.frame(media_time, FRAME_BYTES as u32) {
            Some(DigitFrame::Quiet) => return,
            Some(DigitFrame::Packet { timestamp, first, payload }) => {
                // Keys that nobody understands are not sent.
                let Some(events) = self.phone.events else { return };
                packet[HEADER..][..dtmf::PAYLOAD].copy_from_slice(&payload.to_bytes());
                (self.out.event(events, timestamp, first), HEADER + dtmf::PAYLOAD)
            }
            None => {
                stamp(&mut packet[HEADER..], wall_now());
                (self.out.own(self.phone.payload_type, frame, FRAME_BYTES as u32), packet.len())
            }
        };
        if let Some(place) = packet.first_chunk_mut() {
            header.write(place);
        }
        self.out.count(length - HEADER);
        let sent = self.phone.pair.rtp.send_to(&packet[..length], self.phone.to).is_ok();
        done.sent += u64::from(sent);
        done.late += u64::from(late || !sent);
    }
}
