//! The layer that lets nothing but GET leave the process, and counts what leaves.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use http::{Method, Request};
use tower::{BoxError, Layer, Service};

/// A request that would not have been a read.
#[derive(Debug, thiserror::Error)]
#[error("{method} refused: kubewitness only reads")]
pub(super) struct Refused {
    method: Method,
}

/// Wraps a transport. It is the outermost layer, so nothing below it sees a refused request.
#[derive(Clone, Debug, Default)]
pub(super) struct ReadOnly {
    sent: Arc<AtomicUsize>,
}

impl ReadOnly {
    /// How many requests went out.
    pub(super) fn sent(&self) -> usize {
        self.sent.load(Ordering::Relaxed)
    }
}

impl<S> Layer<S> for ReadOnly {
    type Service = ReadOnlyService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ReadOnlyService { inner, sent: Arc::clone(&self.sent) }
    }
}

/// The wrapped transport.
#[derive(Clone, Debug)]
pub(super) struct ReadOnlyService<S> {
    inner: S,
    sent: Arc<AtomicUsize>,
}

impl<S, B> Service<Request<B>> for ReadOnlyService<S>
where
    S: Service<Request<B>>,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if request.method() != Method::GET {
            let refused = Refused { method: request.method().clone() };
            return Box::pin(async move { Err(refused.into()) });
        }
        self.sent.fetch_add(1, Ordering::Relaxed);
        let answer = self.inner.call(request);
        Box::pin(async move { answer.await.map_err(Into::into) })
    }
}

#[cfg(test)]
mod tests {
    use http::{Method, Request};
    use tower::{Layer as _, ServiceExt as _};

    use super::ReadOnly;

    #[tokio::test]
    async fn only_get_passes_and_is_counted() {
        let layer = ReadOnly::default();
        let transport = tower::service_fn(|request: Request<()>| async move { Ok::<_, std::io::Error>(request.method().clone()) });
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::HEAD, Method::OPTIONS, Method::CONNECT] {
            let request = Request::builder().method(method.clone()).uri("/api/v1/pods").body(()).unwrap();
            let error = layer.layer(transport).oneshot(request).await.unwrap_err();
            assert_eq!(error.to_string(), format!("{method} refused: kubewitness only reads"));
        }
        assert_eq!(layer.sent(), 0);
        assert_eq!(layer.layer(transport).oneshot(Request::new(())).await.unwrap(), Method::GET);
        assert_eq!(layer.sent(), 1);
    }
}
