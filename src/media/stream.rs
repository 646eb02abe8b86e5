//! One leg's stream: what it sends in a frame, and what becomes of a packet that came.
//!
//! In a frame, the first of these that there is: a digit being sent, what plays, a mix of those it hears,
//! silence. While packets of another leg are passed on, which happens when they come and not in the frame, the
//! frame sends nothing.
//! A leg that waits in dead air is sent silence, so that its media time never stops and no phone, NAT or
//! border controller takes the call for dead. Before offer and answer agreed, nothing is sent at all, and to an address from
//! which nothing ever came only so much (see [`Asked`]).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use smallvec::SmallVec;

use crate::base::Entropy;
use crate::base::LegId;
use crate::base::Timestamp;
use crate::fact::Quality;
use crate::media::clip::Clip;
use crate::media::codec::Encoder;
use crate::media::codec::Law;
use crate::media::codec::MAX_FRAME;
use crate::media::codec::rate;
use crate::media::codec::silence;
use crate::media::codec::transcode;
use crate::media::codec::units;
use crate::media::control::Asked;
use crate::media::control::MediaEvent;
use crate::media::dtmf;
use crate::media::dtmf::DigitFrame;
use crate::media::dtmf::DigitReceiver;
use crate::media::dtmf::DigitSender;
use crate::media::estimate::Journey;
use crate::media::estimate::r_factor;
use crate::media::frame::Rate;
use crate::media::frame::WIDE;
use crate::media::latch::Latch;
use crate::media::latch::Signalled;
use crate::media::mix::Gain;
use crate::media::mix::Mix;
use crate::media::origin::Came;
use crate::media::origin::Origin;
use crate::media::packing;
use crate::media::packing::Packed;
use crate::media::packing::Packing;
use crate::media::playing::Playing;
use crate::media::playing::Position;
use crate::media::playing::encoder_for;
use crate::media::reception::Reception;
use crate::media::reception::ReceptionCounts;
use crate::media::recording::Recording;
use crate::media::rtcp;
use crate::media::rtcp::Rtcp;
use crate::media::rtp;
use crate::media::rtp::HEADER;
use crate::media::rtp::Outgoing;
use crate::media::rtp::Parsed;
use crate::media::tones::ToneReceiver;
use crate::media::tones::ToneSender;
use crate::media::voice::Mended;
use crate::media::voice::Voice;
use crate::media::xr;
use crate::media::xr::VoipMetrics;
use crate::sdp::Codec;
use crate::sdp::Direction;
use crate::sdp::Negotiated;
use crate::sdp::Srtp;

/// How long a frame is.
pub const FRAME: Duration = Duration::from_millis(20);
/// Nothing came for so long though it should have: [`MediaEvent::AudioLost`].
pub const LOST_AFTER: Duration = Duration::from_secs(5);
/// Sent at most before our answer is acknowledged, unless something comes from there: as long as T1 of SIP, within which
/// nearly every ACK comes. What plays waits then, and goes on with the ACK where it was.
pub const UNACKNOWLEDGED: Duration = Duration::from_millis(500);
/// Sent at most to a stranger's address from which nothing comes.
pub const UNHEARD: Duration = Duration::from_secs(30);
/// A leg of which nothing was passed on for so many frames is filled in with silence: 200 ms, which is more
/// than jitter and less than any receiver's patience.
const FILL_AFTER: u64 = 10;
/// How long a key press of a leg is for those who are not sent its own packets.
pub(super) const PASSED_DIGIT: Duration = Duration::from_millis(100);
/// What plays first waits so long for a handshake, and goes on then all the same.
const SHAKES: Duration = Duration::from_secs(2);
/// Comfort noise (RFC 3389) keeps a silent phone alive; it is not passed on.
const COMFORT_NOISE: u8 = 13;

/// Where a stream's packets and news go. `stream` is the key that [`crate::media::Streams::open`] gave.
pub trait Outlet {
    /// Send this packet from the stream's RTP port.
    fn rtp(&mut self, stream: usize, to: SocketAddr, packet: &[u8]);
    /// Send this packet from the stream's RTCP port.
    fn rtcp(&mut self, stream: usize, to: SocketAddr, packet: &[u8]);
    /// Tell the call.
    fn event(&mut self, event: MediaEvent);
    /// Whether packets reach the peer: not before the handshake that secures them is over.
    fn is_open(&self, _stream: usize) -> bool {
        true
    }
    /// The stream is gone; its sockets are free.
    fn closed(&mut self, stream: usize);
    /// A clip is played in a codec that it is not there in: let somebody who has the time
    /// [encode](Clip::encode) it. Where nobody does, each playing of it is encoded as it goes.
    fn encode(&mut self, _clip: &Arc<Clip>, _codec: Codec) {}
    /// The next samples of the stream's recording, its channels interleaved.
    fn record(&mut self, _stream: usize, _rate: Rate, _samples: &[i16]) {}
    /// Its recording is over.
    fn recorded(&mut self, _stream: usize) {}
}

/// One leg's stream.
#[derive(Debug)]
pub struct Stream {
    pub(super) leg: LegId,
    key: usize,
    agreed: Option<Negotiated>,
    latch: Latch,
    out: Outgoing,
    reception: Reception,
    rtcp: Rtcp,
    /// Where the peer's reports come from, when that is not where SDP says.
    reports_from: Option<SocketAddr>,
    digits_in: DigitReceiver,
    digits_out: DigitSender,
    /// Keys as tones, where the peer has no telephone-event.
    tones_in: Option<Box<ToneReceiver>>,
    tones_out: ToneSender,
    playing: Option<Playing>,
    /// What encodes its sound, where that was not encoded beforehand.
    encoder: Option<Encoder>,
    /// Its own sound until a packet is full, where the peer wants packets of another length than a frame's.
    packing: Option<Box<Packing>>,
    /// Whether the leg hears itself.
    pub(super) echo: bool,
    /// The streams that it hears, and those that hear it.
    pub(super) hears: SmallVec<[usize; 4]>,
    pub(super) heard_by: SmallVec<[usize; 4]>,
    pub(super) source: Source,
    /// Its own sound for those who hear it: how loud, and whether at all.
    pub(super) gain: Gain,
    pub(super) muted: bool,
    /// Its sound decoded, while somebody mixes it.
    pub(super) voice: Option<Box<Voice>>,
    /// What was done to it in times in which it was decoded.
    mended: Mended,
    pub(super) recording: Option<Box<Recording>>,
    /// The frame in which a packet was last passed on to it.
    passed_in: Option<u64>,
    /// The latest key that whom it hears had pressed before it heard them (SSRC, media time): what is left of that
    /// press is not for it. It was for a flow, and may be the last digit of a PIN.
    not_for_it: Option<(u32, u32)>,
    /// Until when it waits for a handshake.
    shakes_until: Option<Timestamp>,
    /// When something last came, or since when it should.
    heard: Timestamp,
    lost: bool,
    asked: Asked,
    /// How much was sent to where nothing came from, since something came from where it was sent.
    unheard: Duration,
    /// Whether anything ever came, from wherever.
    anything: bool,
    /// Whether it was told that nothing did.
    told_unheard: bool,
}

/// Where what a stream sends comes from, while it plays nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// It hears nobody: silence.
    Nobody,
    /// The packets of this one, forwarded when they come.
    One(usize),
    /// All that it hears, mixed in its frame.
    Mix,
}

/// What a packet holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sound {
    Audio(Codec),
    Event,
    Noise,
}

/// A packet that was taken, and may be passed on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken {
    pub parsed: Parsed,
    pub sound: Sound,
    /// The key press that begins with it.
    pub digit: Option<char>,
}

impl Stream {
    pub(super) fn new(now: Timestamp, leg: LegId, key: usize, origin: Origin) -> Stream {
        Stream {
            leg,
            key,
            agreed: None,
            latch: Latch::proven_by(origin.came.from),
            out: Outgoing::begin(&origin, frame_at(now), units(Codec::Pcmu)),
            reception: Reception::default(),
            rtcp: Rtcp::named(origin.name),
            reports_from: None,
            digits_in: DigitReceiver::default(),
            digits_out: DigitSender::default(),
            tones_in: None,
            tones_out: ToneSender::default(),
            playing: None,
            encoder: None,
            packing: None,
            echo: false,
            hears: SmallVec::new(),
            heard_by: SmallVec::new(),
            source: Source::Nobody,
            gain: Gain::UNITY,
            muted: false,
            voice: None,
            mended: Mended::default(),
            recording: None,
            passed_in: None,
            not_for_it: None,
            shakes_until: None,
            heard: now,
            lost: false,
            asked: Asked::Known,
            unheard: Duration::ZERO,
            anything: origin.came.anything,
            told_unheard: false,
        }
    }

    pub(super) fn is_asked(&mut self, asked: Asked) {
        self.asked = asked;
    }

    pub(super) fn agree(&mut self, now: Timestamp, agreed: Negotiated, entropy: &mut Entropy) {
        self.latch.agree(Signalled::by(&agreed));
        self.rtcp.start(now, entropy);
        if self.agreed.as_ref().is_some_and(|before| before.remote_rtcp != agreed.remote_rtcp) {
            self.reports_from = None;
        }
        let expected_before = self.expects_audio();
        if self.agreed.as_ref().is_none_or(|before| before.payload_type != agreed.payload_type) {
            self.out.begin_spurt();
        }
        let (from, to) = (units(self.codec()), units(agreed.codec));
        if from != to {
            self.out.change_clock(frame_at(now), from, to);
        }
        if self.ptime_ms() != agreed.ptime_ms || self.codec() != agreed.codec {
            self.packing = Packing::new(agreed.ptime_ms).map(Box::new);
        }
        if agreed.telephone_event.is_some() || Law::of(agreed.codec).is_none() {
            self.tones_in = None;
        } else if self.tones_in.is_none() {
            self.tones_in = Some(Box::default());
        }
        if self.agreed.is_none() && matches!(agreed.srtp, Some(Srtp::Dtls(_))) {
            self.shakes_until = Some(now + SHAKES);
        }
        self.agreed = Some(agreed);
        if !expected_before {
            self.heard = now;
        }
    }

    /// How long the packets are that it is sent.
    fn ptime_ms(&self) -> u8 {
        self.packing.as_ref().map_or(20, |packing| packing.ptime_ms())
    }

    /// Whether packets leave between two of its frames, too.
    pub(super) fn halves_frames(&self) -> bool {
        self.packing.as_ref().is_some_and(|packing| packing.halves_frames())
    }

    /// The codec that was agreed on; before that, the telephone's.
    pub(super) fn codec(&self) -> Codec {
        self.agreed.as_ref().map_or(Codec::Pcmu, |agreed| agreed.codec)
    }

    pub(super) fn play(&mut self, playing: Playing, out: &mut impl Outlet) {
        self.stop(out);
        for clip in playing.clips.iter().filter(|clip| !clip.is_encoded(self.codec())) {
            out.encode(clip, self.codec());
        }
        self.out.begin_spurt();
        if playing.is_empty() {
            out.event(MediaEvent::PlayEnded { leg: self.leg, play: playing.play, stopped: false });
        } else {
            self.playing = Some(playing);
        }
    }

    pub(super) fn stop(&mut self, out: &mut impl Outlet) {
        if let Some(Playing { play, .. }) = self.playing.take() {
            self.out.begin_spurt();
            out.event(MediaEvent::PlayEnded { leg: self.leg, play, stopped: true });
        }
    }

    pub(super) fn send_digit(&mut self, digit: char, duration: Duration) {
        // A digit that finds the queue full is dropped.
        match &self.agreed {
            Some(agreed) if agreed.keys_by_info || agreed.telephone_event.is_some() => {
                self.digits_out.push(digit, duration);
            }
            Some(_) => _ = self.tones_out.push(digit, duration),
            None => {}
        }
    }

    /// From now on it hears something else: silence fills in at once until that is there. `pressed` is the latest
    /// key that the other has pressed by now.
    pub(super) fn begin_other_source(&mut self, pressed: Option<(u32, u32)>) {
        self.passed_in = None;
        self.not_for_it = pressed;
        self.out.begin_spurt();
    }

    /// The latest key that its peer has pressed: whose (SSRC), and its media time.
    pub(super) fn latest_press(&self) -> Option<(u32, u32)> {
        self.digits_in.latest()
    }

    /// What the stream carried.
    pub(super) fn quality(&self) -> Quality {
        let clock_rate = self.codec().clock_rate();
        let ReceptionCounts { duplicate, reordered, .. } = self.reception.counts;
        let Mended { late, concealed_ms } = self.mended.and(self.mended_now());
        Quality {
            sent: self.out.packets,
            received: self.reception.packets(),
            lost: self.reception.lost(),
            late,
            duplicate,
            reordered,
            concealed_ms,
            jitter_us: u32::try_from(self.jitter_us()).unwrap_or(u32::MAX),
            round_trip_us: self.rtcp.round_trip_us,
            r_factor: r_factor(&self.journey()),
            peer: self.rtcp.peer_report(clock_rate),
        }
    }

    /// What its packets went through.
    fn journey(&self) -> Journey {
        let (received, lost) = (self.reception.packets(), self.reception.lost());
        let late = self.mended.and(self.mended_now()).late;
        Journey {
            expected: received + lost,
            lost: lost + late,
            gaps: self.reception.counts.gaps + late,
            jitter: Duration::from_micros(self.jitter_us()),
            round_trip: Duration::from_micros(self.rtcp.round_trip_us.unwrap_or(0).into()),
        }
    }

    fn jitter_us(&self) -> u64 {
        u64::from(self.reception.jitter()) * 1_000_000 / u64::from(self.codec().clock_rate())
    }

    fn mended_now(&self) -> Mended {
        self.voice.as_ref().map_or_else(Mended::default, |voice| voice.mended())
    }

    /// Nobody needs its sound decoded any more.
    pub(super) fn stop_decoding(&mut self) {
        self.mended = self.mended.and(self.mended_now());
        self.voice = None;
    }

    /// Whether others hear it: an echo is for its own leg.
    pub(super) fn is_audible(&self) -> bool {
        !self.muted && !self.echo
    }

    /// Whether this stream's packets can be what `listener` is sent, with another header.
    pub(super) fn can_be_forwarded_to(&self, listener: &Stream) -> bool {
        // Before both have agreed nothing flows, and then it is decided anew.
        let (Some(from), Some(to)) = (&self.agreed, &listener.agreed) else { return true };
        let laws = Law::of(from.codec).is_some() && Law::of(to.codec).is_some();
        // Packets of a length that the listener did not ask for are made anew.
        let as_long = self.ptime_ms() == listener.ptime_ms();
        self.gain == Gain::UNITY && as_long && (laws || from.codec == to.codec)
    }

    /// Keeps a packet's sound for those who mix it.
    pub(super) fn listen(&mut self, now: Timestamp, taken: &Taken, packet: &[u8]) {
        let Some(voice) = &mut self.voice else { return };
        let payload = &packet[taken.parsed.start..taken.parsed.end];
        match taken.sound {
            Sound::Audio(codec) => {
                if !voice.receive(now, &taken.parsed.header, codec, payload) {
                    self.reception.discarded(&taken.parsed.header);
                }
            }
            Sound::Noise => voice.pause(payload),
            Sound::Event => {}
        }
    }

    /// Frame number `frame` is due; `mix` is what the leg hears, when that is mixed.
    pub(super) fn frame(
        &mut self,
        now: Timestamp,
        frame: u64,
        mix: Option<Mix>,
        entropy: &mut Entropy,
        out: &mut impl Outlet,
    ) {
        self.watch(now, out);
        if self.rtcp.is_due(now) {
            self.report(now, entropy, out);
        }
        if self.is_shaking(now, out) || self.waits_for_ack() {
            return;
        }
        let mut sound = [0; MAX_FRAME];
        // What plays goes on while the leg may not hear it: a hold does not stop a prompt's clock.
        let played = self.play_on(&mut sound, out);
        let Some((to, payload_type, codec)) = self.sends_to() else { return };
        if self.send_digit_frame(frame, to, out)
            || (played.is_none() && self.tones_out.is_idle() && self.is_passing(frame))
        {
            return;
        }
        let mut samples = [0; WIDE];
        let length = match (played, mix) {
            _ if self.tones_out.frame(&mut samples[..rate(codec).samples()]) => {
                let samples = &samples[..rate(codec).samples()];
                encoder_for(&mut self.encoder, codec).encode(samples, &mut sound)
            }
            (Some(length), _) => length,
            (None, Some(mix)) if mix.rate() == rate(codec) => {
                let count = mix.samples(&mut samples);
                encoder_for(&mut self.encoder, codec).encode(&samples[..count], &mut sound)
            }
            (None, _) => silence(codec, &mut sound),
        };
        if let Some(packing) = &mut self.packing {
            packing.push(2 * frame, &sound[..length]);
            return self.send_packed(2 * frame, out);
        }
        let mut packet = [0; HEADER + MAX_FRAME];
        packet[HEADER..HEADER + length].copy_from_slice(&sound[..length]);
        let header = self.out.own(payload_type, frame, units(codec));
        self.send(header, to, &mut packet[..HEADER + length], out);
    }

    /// Whether nothing goes yet, for a handshake is not over: nobody shall miss the first words of a greeting.
    fn is_shaking(&mut self, now: Timestamp, out: &impl Outlet) -> bool {
        self.shakes_until = self.shakes_until.filter(|until| now < *until && !out.is_open(self.key));
        self.shakes_until.is_some()
    }

    /// Whether it has been sent all that it may have before our answer is acknowledged. Nobody shall miss a word for it.
    fn waits_for_ack(&self) -> bool {
        self.asked == Asked::Unacknowledged && !self.may_have_more()
    }

    /// Whether more may be sent to where it is sent to.
    fn may_have_more(&self) -> bool {
        let most = match self.asked {
            Asked::Known => return true,
            Asked::Unacknowledged => UNACKNOWLEDGED,
            Asked::ByStranger => UNHEARD,
        };
        self.unheard < most || self.latch.is_proven()
    }

    /// Frame number `frame` is half over.
    pub(super) fn half_frame(&mut self, frame: u64, out: &mut impl Outlet) {
        self.send_packed(2 * frame + 1, out);
    }

    /// Sends the packet that leaves in the ten milliseconds of this number, when one does.
    fn send_packed(&mut self, ten: u64, out: &mut impl Outlet) {
        let Some((to, payload_type, codec)) = self.sends_to() else { return };
        let Some(Packed { start, payload }) = self.packing.as_mut().and_then(|packing| packing.take(ten))
        else {
            return;
        };
        let mut packet = [0; HEADER + packing::LONGEST * packing::TEN];
        let end = HEADER + payload.len();
        packet[HEADER..end].copy_from_slice(&payload);
        let tens = (payload.len() / packing::TEN) as u32;
        let header = self.out.own_frames(payload_type, start, units(codec) / 2, tens);
        self.send(header, to, &mut packet[..end], out);
    }

    fn report(&mut self, now: Timestamp, entropy: &mut Entropy, out: &mut impl Outlet) {
        let mut packet = [0; rtcp::LONGEST];
        let report = self.reported(now);
        let length = self.rtcp.report(now, report, entropy, &mut packet);
        if let Some(to) = self.reports_to() {
            out.rtcp(self.key, to, &packet[..length]);
        }
    }

    /// Says goodbye, when the peer has had reports.
    pub(super) fn bye(&mut self, now: Timestamp, out: &mut impl Outlet) {
        let Some(to) = self.reports_to().filter(|_| self.rtcp.has_reported()) else { return };
        let mut packet = [0; rtcp::LONGEST];
        let report = self.reported(now);
        let length = self.rtcp.bye(now, report, &mut packet);
        out.rtcp(self.key, to, &packet[..length]);
    }

    /// What is told of both ways now.
    fn reported(&mut self, now: Timestamp) -> rtcp::Report {
        let extended = self.agreed.as_ref().map(|agreed| agreed.extended).unwrap_or_default();
        let (sent, block) = (self.sent(now), self.reception.report());
        let metrics = block.filter(|_| extended.metrics).and_then(|block| self.voip_metrics(block.ssrc));
        rtcp::Report { sent, block, metrics, round_trip: extended.round_trip }
    }

    /// How what comes sounds here; none before two packets came.
    fn voip_metrics(&self, ssrc: u32) -> Option<VoipMetrics> {
        let (bursts, step) = self.reception.fates()?;
        let buffer = self.voice.as_ref().map(|voice| voice.buffer());
        Some(xr::measured(ssrc, bursts.shares(), (step, self.codec().clock_rate()), &self.journey(), buffer))
    }

    fn sent(&self, now: Timestamp) -> rtcp::Sent {
        let clock_rate = self.codec().clock_rate();
        let timestamp = self.out.media_time_at(now, clock_rate);
        rtcp::Sent { ssrc: self.out.ssrc, timestamp, packets: self.out.packets, octets: self.out.octets }
    }

    fn reports_to(&self) -> Option<SocketAddr> {
        if !self.may_have_more() {
            return None;
        }
        self.reports_from.or(self.agreed.as_ref()?.remote_rtcp)
    }

    /// A packet came on the RTCP port. It counts when it comes from where the peer's audio does, or shall come.
    pub(super) fn receive_report(&mut self, now: Timestamp, from: SocketAddr, packet: &[u8]) {
        if rtcp::is_compound(packet) {
            self.saw(from);
        }
        let signalled = self.agreed.as_ref().and_then(|agreed| agreed.remote_rtcp);
        let ours = |known: Option<SocketAddr>| known.is_some_and(|known| known.ip() == from.ip());
        if !ours(signalled) && !ours(self.latch.locked()) {
            return;
        }
        if self.rtcp.receive(now, self.out.ssrc, packet) {
            self.reports_from = Some(from);
        }
    }

    /// Where to send, the payload type and its codec; none when nothing may be sent.
    fn sends_to(&self) -> Option<(SocketAddr, u8, Codec)> {
        let agreed = self.agreed.as_ref()?;
        if !matches!(agreed.direction, Direction::SendRecv | Direction::SendOnly) || !self.may_have_more() {
            return None;
        }
        Some((self.latch.destination()?, agreed.payload_type, agreed.codec))
    }

    fn keys_by_info(&self) -> bool {
        self.agreed.as_ref().is_some_and(|agreed| agreed.keys_by_info)
    }

    fn is_passing(&self, frame: u64) -> bool {
        self.passed_in.is_some_and(|passed| frame.saturating_sub(passed) < FILL_AFTER)
    }

    /// The next frame of what plays, and its octets; none when nothing does.
    fn play_on(&mut self, into: &mut [u8; MAX_FRAME], out: &mut impl Outlet) -> Option<usize> {
        let codec = self.codec();
        let playing = self.playing.as_mut()?;
        let (length, position) = playing.next(codec, &mut self.encoder, into);
        if position == Position::Last {
            out.event(MediaEvent::PlayEnded { leg: self.leg, play: playing.play, stopped: false });
            self.playing = None;
        }
        Some(length)
    }

    /// Whether the frame belongs to a digit.
    fn send_digit_frame(&mut self, frame: u64, to: SocketAddr, out: &mut impl Outlet) -> bool {
        let Some(agreed) = self.agreed.as_ref().filter(|_| !self.digits_out.is_idle()) else { return false };
        let (by_info, events) = (agreed.keys_by_info, agreed.telephone_event);
        let units = units(self.codec());
        let media_time = self.out.clock(frame, units);
        let due = self.digits_out.frame(media_time, units);
        if by_info {
            if let Some(DigitFrame::Packet { first: true, payload, .. }) = due
                && let Some(digit) = dtmf::digit(payload.event)
            {
                out.event(MediaEvent::SendInfo { leg: self.leg, digit });
            }
            return false;
        }
        let Some((payload_type, _)) = events else { return false };
        match due {
            None => false,
            Some(DigitFrame::Quiet) => true,
            Some(DigitFrame::Packet { timestamp, first, payload }) => {
                let mut packet = [0; HEADER + dtmf::PAYLOAD];
                packet[HEADER..].copy_from_slice(&payload.to_bytes());
                let header = self.out.event(payload_type, timestamp, first);
                self.send(header, to, &mut packet, out);
                true
            }
        }
    }

    /// Sends `packet`, whose first [`HEADER`] octets are written here.
    fn send(&mut self, header: rtp::Header, to: SocketAddr, packet: &mut [u8], out: &mut impl Outlet) {
        if let Some(place) = packet.first_chunk_mut() {
            if self.asked != Asked::Known && !self.latch.is_proven() {
                self.unheard += Duration::from_millis(self.ptime_ms().into());
            }
            header.write(place);
            self.out.count(packet.len() - HEADER);
            out.rtp(self.key, to, packet);
        }
    }

    /// Takes a packet that came on the RTP port; none when it is not to be passed on.
    pub(super) fn receive(
        &mut self,
        now: Timestamp,
        from: SocketAddr,
        packet: &[u8],
        out: &mut impl Outlet,
    ) -> Option<Taken> {
        let parsed = rtp::parse(packet)?;
        self.saw(from);
        let sound = self.sound(parsed.header.payload_type)?;
        if !self.latch.admit(now, from, parsed.header.ssrc, parsed.header.sequence) {
            return None;
        }
        let agreed = self.agreed.as_ref()?;
        self.unheard = Duration::ZERO;
        self.reception.received(now, &parsed.header, agreed.codec.clock_rate());
        let receives = self.expects_audio();
        self.came(now, out);
        if !receives {
            return None;
        }
        let digit = match sound {
            Sound::Event => self.key_pressed(&parsed, packet, out),
            Sound::Audio(codec) => {
                self.listen_for_tones(codec, &packet[parsed.start..parsed.end], out);
                None
            }
            Sound::Noise => None,
        };
        Some(Taken { parsed, sound, digit })
    }

    /// What a payload type stands for. Beside what was agreed, the fixed numbers of G.711 are understood: a phone
    /// that offered both laws may change between them. So is a peer that uses its own number for events.
    fn sound(&self, payload_type: u8) -> Option<Sound> {
        let agreed = self.agreed.as_ref()?;
        if payload_type == agreed.receive_payload_type {
            return Some(Sound::Audio(agreed.codec));
        }
        match agreed.telephone_event {
            Some((theirs, ours)) if payload_type == ours || payload_type == theirs => {
                return Some(Sound::Event);
            }
            _ => {}
        }
        match payload_type {
            COMFORT_NOISE => Some(Sound::Noise),
            // They all have the same clock; in one with another, media time would mean two things.
            _ if agreed.codec.clock_rate() != 8_000 => None,
            0 => Some(Sound::Audio(Codec::Pcmu)),
            8 => Some(Sound::Audio(Codec::Pcma)),
            _ => None,
        }
    }

    fn key_pressed(&mut self, parsed: &Parsed, packet: &[u8], out: &mut impl Outlet) -> Option<char> {
        let digit = self.digits_in.receive(&parsed.header, &packet[parsed.start..parsed.end])?;
        self.tell_digit(digit, out);
        Some(digit)
    }

    /// Keys in the audio itself, which those who hear it hear as they are.
    fn listen_for_tones(&mut self, codec: Codec, payload: &[u8], out: &mut impl Outlet) {
        let Some(law) = Law::of(codec) else { return };
        let Some(mut tones) = self.tones_in.take() else { return };
        tones.listen(payload.iter().map(|code| law.decode(*code)), |digit| self.tell_digit(digit, out));
        self.tones_in = Some(tones);
    }

    fn tell_digit(&mut self, digit: char, out: &mut impl Outlet) {
        out.event(MediaEvent::Digit { leg: self.leg, digit });
        if self.playing.as_ref().is_some_and(|playing| playing.barge_in) {
            self.stop(out);
        }
    }

    /// Passes on a packet of another leg (or of its own, for an echo), in place: its new header is written
    /// right before its payload.
    pub(super) fn pass(&mut self, frame: u64, taken: Taken, packet: &mut [u8], out: &mut impl Outlet) {
        let Some((to, audio_type, ours)) = self.sends_to() else { return };
        let by_info = self.keys_by_info();
        let sends_keys = !by_info && !self.digits_out.is_idle() || !self.tones_out.is_idle();
        if self.playing.is_some() || sends_keys {
            return;
        }
        let Parsed { header, start, end } = taken.parsed;
        let payload_type = match taken.sound {
            Sound::Audio(codec) => {
                if !fit(codec, ours, &mut packet[start..end]) {
                    return;
                }
                audio_type
            }
            Sound::Event if by_info => {
                if let Some(digit) = taken.digit {
                    self.send_digit(digit, PASSED_DIGIT);
                }
                return;
            }
            Sound::Event => {
                let events = self.agreed.as_ref().and_then(|agreed| agreed.telephone_event);
                let Some((payload_type, _)) = events else { return };
                if self.not_for_it.is_some_and(|(ssrc, press)| {
                    header.ssrc == ssrc && header.timestamp.wrapping_sub(press) as i32 <= 0
                }) {
                    return;
                }
                payload_type
            }
            Sound::Noise => return,
        };
        self.passed_in = Some(frame);
        if let Some(header) = self.out.pass(header, payload_type, frame, units(ours)) {
            self.send(header, to, &mut packet[start - HEADER..end], out);
        }
    }

    /// Whether something should be coming: they may send, and said from where.
    fn expects_audio(&self) -> bool {
        self.agreed.as_ref().is_some_and(|agreed| {
            matches!(agreed.direction, Direction::SendRecv | Direction::RecvOnly)
                && Signalled::by(agreed) != Signalled::Nowhere
        })
    }

    /// What came so far, for whoever may have to go on with it.
    pub(super) fn what_came(&self) -> Came {
        Came { anything: self.anything, from: self.latch.proven() }
    }

    /// Something came, whatever it is: a packet that keeps a NAT's mapping alive is a sign of life, too.
    fn saw(&mut self, from: SocketAddr) {
        self.anything = true;
        self.latch.saw(from);
        if self.latch.is_proven() {
            self.unheard = Duration::ZERO;
        }
    }

    fn came(&mut self, now: Timestamp, out: &mut impl Outlet) {
        self.heard = now;
        if std::mem::take(&mut self.lost) {
            out.event(MediaEvent::AudioBack { leg: self.leg });
        }
    }

    fn watch(&mut self, now: Timestamp, out: &mut impl Outlet) {
        if !self.lost && now.since(self.heard) >= LOST_AFTER && self.expects_audio() {
            self.lost = true;
            out.event(MediaEvent::AudioLost { leg: self.leg });
        }
        let is_unheard = !self.anything && self.asked == Asked::ByStranger && self.unheard >= UNHEARD;
        if is_unheard && !self.told_unheard {
            self.told_unheard = true;
            out.event(MediaEvent::Unheard { leg: self.leg });
        }
    }
}

/// Makes a payload one of ours; false when that cannot be done.
fn fit(theirs: Codec, ours: Codec, payload: &mut [u8]) -> bool {
    match (Law::of(theirs), Law::of(ours)) {
        (Some(from), Some(to)) => {
            transcode(payload, from, to);
            true
        }
        _ => theirs == ours,
    }
}

/// The number of the frame that a moment lies in.
pub(super) fn frame_at(now: Timestamp) -> u64 {
    now.0 / FRAME.as_micros() as u64
}
