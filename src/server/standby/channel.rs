//! Records between a server and its standby, sealed by the [Noise protocol](https://noiseprotocol.org/noise.html): who has the key
//! is believed, keys of its own for each connection, and nobody between them reads or changes anything.

use std::io;
use std::io::BufWriter;
use std::io::Read;
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;
use std::time::Instant;

use rustix::event::PollFd;
use rustix::event::PollFlags;
use rustix::event::Timespec;
use rustix::event::poll;
use snow::Builder;
use snow::HandshakeState;
use snow::TransportState;

use super::Record;
use super::StandbyKey;

/// Both have the key before they speak; and each draws one for the connection.
const PATTERN: &str = "Noise_NNpsk0_25519_ChaChaPoly_BLAKE2s";
/// The longest message of Noise, and what of it is its seal.
const LONGEST: usize = 65_535;
const SEAL: usize = 16;
/// The most octets that go with a record, which itself is short.
pub(super) const AT_ONCE: usize = 60_000;
/// A message of the handshake: a key of 32 octets, and the seal of nothing.
const HELLO: usize = 32 + SEAL;
/// How long a peer may say nothing, or take nothing; and within which it must have shown that it has the key, however it says it.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// A connection on which both sides have shown that they have the key.
#[derive(Debug)]
pub(super) struct Channel {
    from: TcpStream,
    to: BufWriter<TcpStream>,
    noise: TransportState,
    sealed: Vec<u8>,
    open: Vec<u8>,
    sent: u64,
}

impl Channel {
    /// The side that was connected to.
    pub fn accept(stream: TcpStream, key: &StandbyKey) -> io::Result<Channel> {
        let noise = builder(key)?.build_responder().map_err(io::Error::other)?;
        Channel::shake(stream, noise, false)
    }

    /// The side that connects.
    pub fn connect(stream: TcpStream, key: &StandbyKey) -> io::Result<Channel> {
        let noise = builder(key)?.build_initiator().map_err(io::Error::other)?;
        Channel::shake(stream, noise, true)
    }

    fn shake(stream: TcpStream, mut noise: HandshakeState, first: bool) -> io::Result<Channel> {
        let until = Instant::now() + PATIENCE;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let (mut from, mut to) = (stream.try_clone()?, BufWriter::with_capacity(1 << 18, stream));
        let (mut sealed, mut open) = (vec![0; LONGEST], vec![0; LONGEST]);
        for ours in [first, !first] {
            if ours {
                let length = noise.write_message(&[], &mut sealed).map_err(io::Error::other)?;
                write(&mut to, &sealed[..length])?;
                to.flush()?;
            } else {
                let hello = hello(&mut from, until).map_err(in_vain)?;
                let believed = noise.read_message(&hello, &mut open);
                believed
                    .map_err(|_| io::Error::new(io::ErrorKind::PermissionDenied, "it has another key"))?;
            }
        }
        from.set_read_timeout(Some(PATIENCE))?;
        let noise = noise.into_transport_mode().map_err(io::Error::other)?;
        Ok(Channel { from, to, noise, sealed, open, sent: 0 })
    }

    /// How long the peer may say nothing from now on.
    pub fn hears_within(&self, patience: Duration) -> io::Result<()> {
        self.from.set_read_timeout(Some(patience))
    }

    /// Sends a record, with [`AT_ONCE`] octets at most. It is on its way once there was a [`Channel::flush`].
    pub fn send(&mut self, record: &Record, octets: &[u8]) -> io::Result<()> {
        let header = serde_json::to_vec(record)?;
        self.open.clear();
        self.open.extend_from_slice(&(header.len() as u16).to_be_bytes());
        self.open.extend_from_slice(&header);
        self.open.extend_from_slice(octets);
        assert!(self.open.len() + SEAL <= LONGEST, "{} octets at once", self.open.len());
        self.sealed.resize(LONGEST, 0);
        let length = self.noise.write_message(&self.open, &mut self.sealed).map_err(io::Error::other)?;
        self.sent += length as u64;
        write(&mut self.to, &self.sealed[..length])
    }

    /// Sends octets of any length with the same record, in pieces.
    pub fn send_all(&mut self, record: &Record, octets: &[u8]) -> io::Result<()> {
        octets.chunks(AT_ONCE).try_for_each(|piece| self.send(record, piece))
    }

    /// How many octets were sent since this was asked last.
    pub fn take_sent(&mut self) -> u64 {
        std::mem::take(&mut self.sent)
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }

    /// Whether the peer has said more, or is gone: [`Channel::receive`] does not wait then.
    pub fn has_come(&self) -> io::Result<bool> {
        let mut asked = [PollFd::new(&self.from, PollFlags::IN)];
        Ok(poll(&mut asked, Some(&Timespec::default()))? > 0)
    }

    /// The peer's next record, and what goes with it.
    pub fn receive(&mut self) -> io::Result<(Record, &[u8])> {
        self.sealed.resize(LONGEST, 0);
        let length = read(&mut self.from, &mut self.sealed)?;
        self.open.resize(LONGEST, 0);
        let opened = self.noise.read_message(&self.sealed[..length], &mut self.open);
        let length = opened
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "a record was changed on its way"))?;
        let foreign = || io::Error::new(io::ErrorKind::InvalidData, "no record of this form");
        let (header, rest) = self.open[..length].split_at_checked(2).ok_or_else(foreign)?;
        let header = u16::from_be_bytes([header[0], header[1]]);
        let (header, octets) = rest.split_at_checked(header.into()).ok_or_else(foreign)?;
        Ok((serde_json::from_slice(header).map_err(|_| foreign())?, octets))
    }
}

/// Who does not believe the first message, or has no place for us, says nothing.
pub(super) fn in_vain(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => io::Error::new(
            error.kind(),
            "it does not take us for its standby: has it the same --standby-key, and fewer than four standbys?",
        ),
        _ => error,
    }
}

fn builder(key: &StandbyKey) -> io::Result<Builder<'_>> {
    let pattern = PATTERN.parse().map_err(io::Error::other)?;
    Builder::new(pattern).psk(0, key.octets()).map_err(io::Error::other)
}

/// A message behind its length.
fn write(to: &mut impl Write, message: &[u8]) -> io::Result<()> {
    to.write_all(&(message.len() as u16).to_be_bytes())?;
    to.write_all(message)
}

/// A message of the handshake, behind its length, which is known. A peer that says it octet by octet has no more time for it.
fn hello(from: &mut TcpStream, until: Instant) -> io::Result<[u8; HELLO]> {
    let mut length = [0; 2];
    read_until(from, &mut length, until)?;
    if usize::from(u16::from_be_bytes(length)) != HELLO {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it does not speak as a standby does"));
    }
    let mut hello = [0; HELLO];
    read_until(from, &mut hello, until)?;
    Ok(hello)
}

fn read_until(from: &mut TcpStream, octets: &mut [u8], until: Instant) -> io::Result<()> {
    let mut filled = 0;
    while filled < octets.len() {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        from.set_read_timeout(Some(left))?;
        match from.read(&mut octets[filled..]) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn read(from: &mut impl Read, message: &mut [u8]) -> io::Result<usize> {
    let mut length = [0; 2];
    from.read_exact(&mut length)?;
    let length = usize::from(u16::from_be_bytes(length));
    from.read_exact(&mut message[..length])?;
    Ok(length)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;
    use crate::server::standby::Thing;

    /// Two that connect, each with a key.
    fn connected(keys: [&str; 2]) -> [io::Result<Channel>; 2] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let [accepts, connects] = keys.map(StandbyKey::of);
        let accepting = thread::spawn(move || Channel::accept(listener.accept().unwrap().0, &accepts));
        let connected = Channel::connect(TcpStream::connect(address).unwrap(), &connects);
        [accepting.join().unwrap(), connected]
    }

    #[test]
    fn records_come_as_they_were_sent() {
        let [Ok(mut one), Ok(mut other)] = connected(["a", "a"]) else { panic!("not connected") };
        let record = Record::Octets(Thing::File("a/b".to_owned()));
        one.send_all(&record, &[7; AT_ONCE + 1]).unwrap();
        one.send(&Record::Whole, &[]).unwrap();
        one.flush().unwrap();
        assert_eq!(other.receive().unwrap(), (record.clone(), &[7; AT_ONCE][..]));
        assert_eq!(other.receive().unwrap(), (record, &[7][..]));
        assert_eq!(other.receive().unwrap(), (Record::Whole, &[][..]));
        other.send(&Record::HasAll { form: 1, history: None }, &[]).unwrap();
        other.flush().unwrap();
        assert_eq!(one.receive().unwrap().0, Record::HasAll { form: 1, history: None });
    }

    #[test]
    fn who_has_another_key_is_told_nothing() {
        let [accepted, connected] = connected(["a", "b"]);
        assert_eq!(accepted.unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        assert!(connected.unwrap_err().to_string().contains("--standby-key"));
    }

    /// What a server makes of a peer that says this, with so much between two octets, when it has 300 ms for all of it.
    fn heard(octets: Vec<u8>, each: Duration) -> io::Result<[u8; HELLO]> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let mut server = listener.accept().unwrap().0;
        let says = thread::spawn(move || {
            for octet in octets {
                thread::sleep(each);
                if peer.write_all(&[octet]).is_err() {
                    break;
                }
            }
            // Open until the server has made up its mind.
            let _ = peer.read(&mut [0]);
        });
        let heard = hello(&mut server, Instant::now() + Duration::from_millis(300));
        drop(server);
        says.join().unwrap();
        heard
    }

    #[test]
    fn who_says_hello_octet_by_octet_has_no_more_time_for_it() {
        let said: Vec<u8> = [0, HELLO as u8].into_iter().chain([7; HELLO]).collect();
        let slow = heard(said, Duration::from_millis(20)).unwrap_err();
        assert!(matches!(slow.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock), "{slow}");
    }

    #[test]
    fn a_hello_of_another_length_is_not_waited_for() {
        let other = heard(vec![0xff, 0xff], Duration::ZERO).unwrap_err();
        assert_eq!(other.kind(), io::ErrorKind::InvalidData);
    }
}
