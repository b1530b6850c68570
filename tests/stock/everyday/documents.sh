#!/bin/bash
# Documents are packed, moved, and a few removed.
cd /home/alice; tar czf /home/alice/docs.tgz Documents; zip -qr docs.zip Documents; rm -f docs.zip; rm Documents/report3*.txt; mkdir old; mv Documents/report2*.txt old/
