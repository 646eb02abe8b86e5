//! `GET /api/v1/calls/{id}/recording`: the recording of a call as a WAV file, as far as it is. For supervisors and
//! admins; the call's history says who fetched it, before they have it.

use std::fs::File;
use std::io;
use std::io::Read;

use axum::body::Body;
use axum::body::Bytes;
use axum::extract::Path;
use axum::extract::Query;
use axum::extract::State;
use axum::extract::rejection::PathRejection;
use axum::extract::rejection::QueryRejection;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::api::ApiState;
use crate::api::problem::Problem;
use crate::api::session::Actor;
use crate::base::CallId;
use crate::fact::recording::RecordingFile;
use crate::fact::recording::RecordingKind;
use crate::server::recorder;

/// What is read at once, and how much of that may wait for a slow listener.
const PIECE: usize = 64 * 1024;
const PIECES: usize = 4;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    /// Which one of the call's recordings; the first when not given.
    part: Option<u16>,
}

pub(super) async fn fetch(
    State(state): State<ApiState>,
    actor: Actor,
    id: Result<Path<u64>, PathRejection>,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Response, Problem> {
    let (Path(id), Query(which)) = (id?, which?);
    actor.supervises()?;
    let (kind, part) = (RecordingKind::Talk, which.part.unwrap_or(1).max(1));
    let file = RecordingFile { kind, call: CallId(id), part };
    let hint = "\"recordings\" of the call says how many were begun; they are kept for a while only";
    let gone = || Problem::not_found(format!("there is no recording {file}"), hint);
    // A file may be of a call that the history has forgotten, where that was restored or moved away.
    let call = state.read(move |readers| readers.call(file.call)).await?;
    if call.is_none_or(|call| call.recordings < part) {
        return Err(gone());
    }
    sound(&state, &actor, file).await?.ok_or_else(gone)
}

/// A recording as an answer, which the history tells of before anybody has it; none when there is no such file.
pub(super) async fn sound(
    state: &ApiState,
    actor: &Actor,
    file: RecordingFile,
) -> Result<Option<Response>, Problem> {
    let path = recorder::path(&state.data, file);
    let turn = state.downloads.begin(actor.person());
    let mut turn = turn.ok_or_else(|| Problem::busy("too many fetch recordings and messages"))?;
    let opened = tokio::task::spawn_blocking(move || {
        let opened = File::open(path)?;
        let length = opened.metadata()?.len();
        io::Result::Ok((opened, length))
    });
    let Ok(Ok((opened, length))) = opened.await else { return Ok(None) };
    state.control.recording_fetched(file.call, file, actor.person()).await?;
    let (sender, pieces) = mpsc::channel(PIECES);
    tokio::spawn(async move {
        tokio::select! {
            () = send(opened, length, &sender) => {}
            () = turn.is_over() => {}
        }
    });
    let name = format!("inline; filename=\"{file}\"");
    let head = [
        (header::CONTENT_TYPE, "audio/wav".to_owned()),
        (header::CONTENT_LENGTH, length.to_string()),
        (header::CONTENT_DISPOSITION, name),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok(Some((head, Body::from_stream(ReceiverStream::new(pieces))).into_response()))
}

/// Sends the file as long as it was when it was opened, while somebody takes it. No thread waits for them.
async fn send(file: File, length: u64, to: &mpsc::Sender<io::Result<Bytes>>) {
    let mut rest = file.take(length);
    loop {
        let reading = tokio::task::spawn_blocking(move || {
            let read = piece(&mut rest);
            (rest, read)
        });
        let Ok((unread, read)) = reading.await else { return };
        rest = unread;
        let goes_on = match read {
            Ok(piece) if piece.is_empty() => return,
            Ok(piece) => to.send(Ok(piece)).await.is_ok(),
            Err(error) => {
                // Nobody may be there any more.
                let _ = to.send(Err(error)).await;
                false
            }
        };
        if !goes_on {
            return;
        }
    }
}

/// What comes next of it; nothing at its end.
fn piece(of: &mut impl Read) -> io::Result<Bytes> {
    let mut piece = Vec::with_capacity(PIECE);
    of.take(PIECE as u64).read_to_end(&mut piece)?;
    Ok(piece.into())
}
