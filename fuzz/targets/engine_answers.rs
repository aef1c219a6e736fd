//! Engine responses, through the engine client itself: the first letter selects the request, the rest is the body.
#![no_main]

use quaylight_fuzz::{
    model::{ContainerId, Entity, HostId, ImageId, NetworkId, VolumeName},
    server::engine::{Endpoint, Engine, EngineError, with_details_of},
    wire::ActionError,
};
use std::{
    cell::RefCell,
    rc::Rc,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
    runtime::Runtime,
};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((question, body)) = input.split_first() else { return };
    thread_local!(static PEER: RefCell<Option<Rc<Peer>>> = const { RefCell::new(None) });
    let peer = PEER.with_borrow_mut(|peer| peer.get_or_insert_with(|| Rc::new(Peer::start())).clone());
    peer.answer(if *question == b'!' { "500 Refused" } else { "200 OK" }, body);
    let entities = peer.runtime.block_on(ask(&peer.engine, *question)).unwrap_or_else(|error| {
        let _ = ActionError::from(error);
        Vec::new()
    });
    for entity in entities {
        let bytes = postcard::to_allocvec(&entity).expect("entities can be written");
        assert_eq!(postcard::from_bytes::<Entity>(&bytes).expect("and read"), entity);
        let _ = serde_json::to_string(&entity).expect("in JSON too");
    }
});

async fn ask(engine: &Engine, question: u8) -> Result<Vec<Entity>, EngineError> {
    let id = "0123456789ab";
    let container = ContainerId::new(id).expect("an id");
    Ok(match question {
        b's' => {
            engine.reading(&container).await?;
            Vec::new()
        }
        b'c' => {
            let listed = engine.containers().await?;
            let completed = listed.first().zip(listed.last()).map(|(a, b)| with_details_of(a.clone(), b));
            listed.into_iter().chain(completed).map(Entity::from).collect()
        }
        b'C' => engine.container(&container).await?.into_iter().map(Entity::from).collect(),
        b'i' => engine.images().await?.into_iter().map(Entity::from).collect(),
        // An untagged image is looked up in the list, which has the same body here.
        b'I' => engine.image(ImageId::new(id).expect("an id").as_str()).await?.into_iter().map(Entity::from).collect(),
        b'v' => engine.volumes().await?.into_iter().map(Entity::from).collect(),
        b'V' => engine.volume(&VolumeName::new(id).expect("a name")).await?.into_iter().map(Entity::from).collect(),
        b'n' => engine.networks().await?.into_iter().map(Entity::from).collect(),
        b'N' => engine.network(&NetworkId::new(id).expect("an id")).await?.into_iter().map(Entity::from).collect(),
        b'e' => {
            let mut events = engine.events(None).await?;
            // Until the stream ends, which is an error.
            loop {
                let _ = events.next().await?.time().to_string();
            }
        }
        _ => {
            engine.describe().await?;
            Vec::new()
        }
    })
}

/// An engine with one response to every request.
struct Peer {
    runtime: Runtime,
    engine: Engine,
    answer: Arc<Mutex<Vec<u8>>>,
}

impl Peer {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let socket = std::env::temp_dir().join(format!("quaylight-fuzz-{}.sock", std::process::id()));
        let listener = runtime.block_on(async { UnixListener::bind(&socket) }).expect("a socket");
        let answer = Arc::new(Mutex::new(Vec::new()));
        let answers = answer.clone();
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, answers.clone()));
            }
        });
        let engine = Engine::new(HostId::new("local").expect("an id"), Endpoint::Unix(socket));
        Self { runtime, engine, answer }
    }

    fn answer(&self, status: &str, body: &[u8]) {
        let mut answer = self.answer.lock().expect("never poisoned");
        *answer = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
        answer.extend_from_slice(body);
    }
}

async fn serve(mut stream: UnixStream, answer: Arc<Mutex<Vec<u8>>>) -> Option<()> {
    let mut request = Vec::new();
    loop {
        while !request.ends_with(b"\r\n\r\n") {
            if stream.read_buf(&mut request).await.ok()? == 0 {
                return None;
            }
        }
        request.clear();
        let answer = answer.lock().expect("never poisoned").clone();
        stream.write_all(&answer).await.ok()?;
    }
}
