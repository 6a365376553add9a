# What `cmake --install` puts where, and the package other projects find.
