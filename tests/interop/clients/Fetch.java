// SPDX-License-Identifier: Apache-2.0
// Fetch LIBRARY CA URL...: writes the bodies to standard output, one behind the other. The proxy is
// the one of the system properties.
import java.io.FileInputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.Arrays;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

class Fetch {
    /** A context that trusts one certificate. */
    static SSLContext trusting(String ca) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (InputStream in = new FileInputStream(ca)) {
            store.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(in));
        }
        TrustManagerFactory managers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        managers.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, managers.getTrustManagers(), null);
        return context;
    }

    static void byConnection(String[] urls, OutputStream out) throws Exception {
        for (String url : urls) {
            HttpURLConnection connection = (HttpURLConnection) URI.create(url).toURL().openConnection();
            try (InputStream in = connection.getInputStream()) {
                in.transferTo(out);
            }
        }
    }

    static void byClient(SSLContext context, String[] urls, OutputStream out) throws Exception {
        HttpClient client = HttpClient.newBuilder().proxy(ProxySelector.getDefault()).sslContext(context).build();
        for (String url : urls) {
            HttpRequest request = HttpRequest.newBuilder(URI.create(url)).build();
            HttpResponse<InputStream> answer = client.send(request, HttpResponse.BodyHandlers.ofInputStream());
            if (answer.statusCode() != 200) {
                throw new Exception(url + ": " + answer.statusCode());
            }
            answer.body().transferTo(out);
        }
    }

    public static void main(String[] argv) throws Exception {
        SSLContext context = trusting(argv[1]);
        String[] urls = Arrays.copyOfRange(argv, 2, argv.length);
        if (argv[0].equals("HttpURLConnection")) {
            HttpsURLConnection.setDefaultSSLSocketFactory(context.getSocketFactory());
            byConnection(urls, System.out);
        } else {
            byClient(context, urls, System.out);
        }
        System.out.flush();
    }
}
