// The client of Java against a server of gnet/http: `java Judge.java URL`.
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.List;

public class Judge {
    static final String BODY = "a body that repeats itself\n".repeat(20_000);
    static HttpClient client;
    static String url;

    static HttpResponse<String> send(HttpRequest.Builder builder) throws Exception {
        return client.send(builder.build(), BodyHandlers.ofString());
    }

    static HttpRequest.Builder to(String path) {
        return HttpRequest.newBuilder(URI.create(url + path));
    }

    static void check(boolean holds, String what) {
        if (!holds) throw new AssertionError(what);
    }

    static void ask() throws Exception {
        for (int count = 0; count < 3; count++) {
            check(send(to("/text").GET()).body().equals("hello"), "text");
        }
        var head = send(to("/text").method("HEAD", BodyPublishers.noBody()));
        check(head.headers().firstValueAsLong("content-length").orElse(0) == 5, "the length of HEAD");
        check(send(to("/echo").POST(BodyPublishers.ofString(BODY))).body().equals(BODY), "an echo");
        // Its length is not known: it leaves in chunks.
        var bytes = List.of(BODY.getBytes());
        var chunks = to("/echo").POST(BodyPublishers.ofByteArrays(bytes)).expectContinue(true);
        check(send(chunks).body().equals(BODY), "an echo of chunks");
        check(send(to("/stream").GET()).body().equals("0123456789"), "a stream");
        check(send(to("/nothing").GET()).statusCode() == 404, "a status");
    }

    public static void main(String[] words) throws Exception {
        url = words[0];
        // The first offers an upgrade to HTTP/2 in the clear with each new connection.
        for (var version : HttpClient.Version.values()) {
            client = HttpClient.newBuilder().version(version).build();
            ask();
        }
    }
}
