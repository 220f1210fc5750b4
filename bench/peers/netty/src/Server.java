import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.EpollChannelOption;
import io.netty.channel.epoll.EpollDatagramChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.socket.DatagramPacket;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.channel.uring.IoUringDatagramChannel;
import io.netty.channel.uring.IoUringIoHandler;
import io.netty.channel.uring.IoUringServerSocketChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpVersion;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;

/**
 * Servers over Netty and its native transports, with one event loop.
 *
 * <p>usage: Server epoll|io_uring tcp|unix|udp|http ADDRESS, with a port or a path as the address
 */
public final class Server {
  private static final int BACKLOG = 4096;
  private static final int DATAGRAM_BYTES = 2048;
  private static final int DATAGRAMS_PER_CALL = 64;
  private static final int DATAGRAM_SOCKET_BYTES = 4 * 1024 * 1024;

  @Sharable
  private static final class Echo extends ChannelInboundHandlerAdapter {
    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      if (message instanceof DatagramPacket packet) {
        context.write(new DatagramPacket(packet.content(), packet.sender()), context.voidPromise());
      } else {
        context.write(message, context.voidPromise());
      }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
      context.flush();
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
      // A peer that does not read is not read from either.
      context.channel().config().setAutoRead(context.channel().isWritable());
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      if (!(context.channel() instanceof io.netty.channel.socket.DatagramChannel)) context.close();
    }
  }

  private static final class Plaintext extends ChannelInboundHandlerAdapter {
    private static final ByteBuf BODY =
        Unpooled.unreleasableBuffer(
            Unpooled.directBuffer().writeBytes("Hello, World!".getBytes(StandardCharsets.US_ASCII)));
    private static String date = "";
    private static long dated;

    private static String date() {
      long second = System.currentTimeMillis() / 1000;
      if (second != dated) {
        dated = second;
        date = DateTimeFormatter.RFC_1123_DATE_TIME.format(ZonedDateTime.now(ZoneOffset.UTC));
      }
      return date;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      if (!(message instanceof HttpRequest request)) {
        io.netty.util.ReferenceCountUtil.release(message);
        return;
      }
      boolean found = request.uri().equals("/plaintext");
      DefaultFullHttpResponse response =
          new DefaultFullHttpResponse(
              HttpVersion.HTTP_1_1,
              found ? HttpResponseStatus.OK : HttpResponseStatus.NOT_FOUND,
              found ? BODY.duplicate() : Unpooled.EMPTY_BUFFER);
      response
          .headers()
          .set(HttpHeaderNames.CONTENT_TYPE, "text/plain")
          .set(HttpHeaderNames.SERVER, "netty")
          .set(HttpHeaderNames.DATE, date())
          .setInt(HttpHeaderNames.CONTENT_LENGTH, response.content().readableBytes());
      context.write(response, context.voidPromise());
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
      context.flush();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      context.close();
    }
  }

  private static ChannelInitializer<Channel> pipeline(String kind) {
    Echo echo = new Echo();
    return new ChannelInitializer<>() {
      @Override
      protected void initChannel(Channel channel) {
        if (kind.equals("http")) channel.pipeline().addLast(new HttpServerCodec(), new Plaintext());
        else channel.pipeline().addLast(echo);
      }
    };
  }

  private static Class<? extends ServerChannel> serverChannel(boolean ring, String kind) {
    if (!kind.equals("unix")) {
      return ring ? IoUringServerSocketChannel.class : EpollServerSocketChannel.class;
    }
    if (ring) throw new IllegalArgumentException("this Netty has no Unix sockets over io_uring");
    return EpollServerDomainSocketChannel.class;
  }

  public static void main(String[] arguments) throws InterruptedException {
    if (arguments.length != 3) {
      System.err.println("usage: Server epoll|io_uring tcp|unix|udp|http ADDRESS");
      System.exit(2);
    }
    boolean ring = arguments[0].equals("io_uring");
    String kind = arguments[1];
    IoHandlerFactory handlers = ring ? IoUringIoHandler.newFactory() : EpollIoHandler.newFactory();
    EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, handlers);
    SocketAddress address =
        kind.equals("unix")
            ? new DomainSocketAddress(arguments[2])
            : new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[2]));
    if (kind.equals("udp")) {
      Bootstrap datagrams =
          new Bootstrap()
              .group(group)
              .channel(ring ? IoUringDatagramChannel.class : EpollDatagramChannel.class)
              .option(ChannelOption.SO_RCVBUF, DATAGRAM_SOCKET_BYTES)
              .handler(pipeline(kind));
      // Several datagrams per system call: a buffer for them, and how large each may be.
      if (!ring) {
        datagrams
            .option(EpollChannelOption.MAX_DATAGRAM_PAYLOAD_SIZE, DATAGRAM_BYTES)
            .option(
                ChannelOption.RECVBUF_ALLOCATOR,
                new FixedRecvByteBufAllocator(DATAGRAMS_PER_CALL * DATAGRAM_BYTES));
      }
      datagrams.bind(address).sync();
      return;
    }
    ServerBootstrap bootstrap =
        new ServerBootstrap()
            .group(group)
            .channel(serverChannel(ring, kind))
            .option(ChannelOption.SO_BACKLOG, BACKLOG)
            .childHandler(pipeline(kind));
    if (!kind.equals("unix")) bootstrap.childOption(ChannelOption.TCP_NODELAY, true);
    bootstrap.bind(address).sync();
  }
}
