#!/bin/bash
# T1205: A program waits in the kernel for a packet.
python3 -c 'import ctypes,socket,struct
s=socket.socket(17,3,768)
f=struct.pack("HBBI",6,0,0,0);b=ctypes.create_string_buffer(f);p=struct.pack("HxxxxxxP",1,ctypes.addressof(b));s.setsockopt(1,26,p)'
